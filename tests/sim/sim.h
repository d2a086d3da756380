/* sim.h: one seed, one world: everything that happens to referrald, in an order that luck decides and nobody forgets.
 *
 * The engine, the codec, the policy and the store are the real ones; the clock and the network are invented. What is
 * asked of the engine is told to the model (model.h) as well, and the two are compared after every step. */
#ifndef SIM_H
#define SIM_H

#include "model.h"
#include "rfl_apply.h"
#include "rfl_decide.h"
#include "world.h"

enum { SIM_HAND = 24, SIM_TRACE = 400, SIM_TRACE_BYTES = 160, SIM_OPERATOR_SESSION = 3,
       SIM_DOOR_SESSION = 100 /* and the source's number */ };

/* What may be done in a step. Each seed has its own weights, and some of them are zero. */
#define SIM_DEED_LIST(X) \
    X(NEW, "new") X(RESEND, "resend") X(CONFLICT, "conflict") X(STRANGE, "strange") X(STATUS, "status") \
    X(OPEN, "open") X(ACK, "ack") X(AMEND, "amend") X(WITHDRAW, "withdraw") \
    X(SUBSCRIBE, "subscribe") X(GOODBYE, "goodbye") X(GONE, "gone") X(PING, "ping") X(VERB, "verb") \
    X(STALE, "stale") X(ORDER, "order") X(QUEUE_SET, "queue_set") X(LOOK, "look") \
    X(DATA, "data")
enum sim_deed {
#define X(name, word) SIM_##name,
    SIM_DEED_LIST(X)
#undef X
    SIM_DEEDS
};

struct sim_habits {
    unsigned weight[SIM_DEEDS];
    unsigned verb[RFL_MSG_COUNT];       /* how workers like each verb */
    unsigned wire;                      /* of 16 asks, how many go through frames */
    unsigned lawful;                    /* of 16 verbs, how many are possible */
    unsigned turn;                      /* most asks in a turn */
    unsigned jump[6];                   /* time: none, seconds, minutes, hours, days, a season */
    unsigned crash, undo, lose, reload, drain, back;    /* of 256 turns or answers */
    unsigned people;                    /* how many there are */
    unsigned flood, flooded;            /* of 256 new referrals, how many come from this one source besides its share */
    bool faithful;                      /* workers ping through a jump */
    bool small;                         /* the store is nearly full before long */
};

/* What a worker remembers of an offer that reached it. */
struct sim_card { uint16_t kase; struct rfl_token token; };

struct sim_tally {
    uint64_t commands, turns, seeds, refused[RFL_CODE_COUNT], deeds[SIM_DEEDS], asks[RFL_MSG_COUNT];
    uint64_t crashes, undone, lost, reloads, drains, backward, offers, feedback, notices, framed, compared;
    uint64_t again, again_moved;        /* decided again on the day; of those, whom a change of areas had put off */
    uint64_t reason[RFL_ROUTE_REASON_COUNT], by_age;        /* of decisions; those by a rule that asks for an age */
    uint64_t rehomed, england[4];       /* seeds: with shipped rules, an area ended whole, divided, a part left */
    uint64_t passed_most;               /* of all heads: how often somebody of another door came first */
    uint64_t ended[RFL_STATUS_COUNT], cell[RFL_STATUS_COUNT][RFL_EVENT_COUNT];
};

struct sim {
    struct world world;
    struct rfl_policy *policies[2];
    unsigned policy;
    struct m_england england;
    bool shipped_rules;                 /* its Greater Manchester is the shipped one */
    uint64_t announced_at;              /* the step in which changes of areas become known */
    struct rfl_policy *first_policy;    /* the world's own, before there is a seed */
    uint64_t seed, random;
    uint64_t step, turn;
    bool verbose;
    struct sim_habits habits;
    struct model model, saved;
    struct sim_card hand[M_WORKERS][SIM_HAND];
    unsigned hand_next[M_WORKERS];
    uint64_t next_session, next_correlation;
    uint32_t next_reference;
    uint16_t next_body;
    uint16_t checked_mails[M_SOURCES];
    uint64_t seen_entries;
    uint64_t followed;                  /* the entries whose moves the model knows */
    uint8_t seen_status[M_CASES_MAX + 1];
    uint32_t answered;                  /* of the outbox: the replies looked at so far */
    bool crash_now;
    bool draining;
    int64_t machine_ms;                 /* what the machine's clock says: it may be set back, the daemon's never goes */
    uint8_t passed[M_QUEUES][RFL_BAND_COUNT][RFL_DOOR_COUNT];   /* how often the door's longest waiting was passed by */
    uint8_t asked;                      /* the kind of the latest ask */
    bool bare;                          /* the next ask does not go through a frame, which would refuse it first */
    char trace[SIM_TRACE][SIM_TRACE_BYTES];
    uint64_t traced;
    struct sim_tally tally;
};

/* ---- luck ---- */
uint64_t sim_random(struct sim *sim);
unsigned sim_below(struct sim *sim, unsigned n);
bool sim_chance(struct sim *sim, unsigned of_256);
/* The index drawn by weight; count when all are zero. */
unsigned sim_draw(struct sim *sim, const unsigned *weights, unsigned count);

/* ---- telling what happened ---- */
void sim_say(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_summary(const struct sim *sim);
/* Every cell of the table of transitions was reached, and so were days and ages; says what was not. */
bool sim_covered(const struct sim *sim);

/* ---- a seed ---- */
/* Draws the seed's England: areas that change, rules, room; and loads both policies of it. */
void sim_draw_england(struct sim *sim);
void sim_free_england(struct sim *sim);
void sim_count_england(struct sim *sim);
void sim_announce(struct sim *sim);
int64_t sim_until_change(const struct sim *sim);
void sim_run(struct sim *sim, uint64_t seed, uint64_t steps);
void sim_choose_habits(struct sim *sim);

/* ---- asking ---- */
struct rfl_view sim_text(const char *text);
/* Hands the ask to the engine, some of them as frames, and returns the first of its answers. */
const struct rfl_reply *sim_ask(struct sim *sim, uint64_t session, struct rfl_ask *ask);
/* The answer's code must be this; returns true when it is a success. */
bool sim_expect(struct sim *sim, const struct rfl_reply *reply, const struct m_answer *answer,
                enum rfl_message_kind success);
const char *sim_code_of_case(struct sim *sim, uint16_t kase);
const char *sim_code_of_referral(struct sim *sim, uint16_t referral);

/* ---- deeds ---- */
void sim_adapter(struct sim *sim, enum sim_deed deed);
void sim_worker(struct sim *sim, enum sim_deed deed);
void sim_operator(struct sim *sim, enum sim_deed deed);
void sim_look(struct sim *sim);
/* Somebody who might come through the source's doors, and the bytes of a form: lent until the next call. */
struct m_form sim_some_form(struct sim *sim, unsigned source);
struct rfl_view sim_bytes_of(const struct m_form *in, struct rfl_form *form);
/* The desk settles what is with it: places, releases, agrees. */
void sim_clear_queues(struct sim *sim);
void sim_settle_desk(struct sim *sim, uint16_t kase);
void sim_card_take(struct sim *sim, unsigned worker, uint16_t kase, struct rfl_token token);
void sim_subscribe(struct sim *sim, unsigned worker, uint16_t queues, uint32_t credit);
void sim_do_verb(struct sim *sim, const struct m_verb *verb);
void sim_check_feedback(struct sim *sim, const struct rfl_msg_feedback *feedback, uint64_t session);

/* ---- fairness ---- */
/* The case is about to be offered: nobody of its door waits longer, and no other door is passed over for ever. */
void sim_check_turn(struct sim *sim, uint16_t kase);
/* The engine begins its turns anew. */
void sim_forget_turns(struct sim *sim);

/* ---- comparing ---- */
void sim_check_case(struct sim *sim, uint16_t kase);
void sim_check_touched(struct sim *sim);
void sim_check_mails(struct sim *sim);
/* Everything: every case, every index, every count. */
void sim_check_all(struct sim *sim);
/* What the engine says its clocks did since the last look, the model does in the same order: who is passed on by a full
 * queue depends on who came before. Whom it has moved because an area has changed, the model moves too. */
void sim_follow(struct sim *sim);
/* Marks what the log says since the last look; `changed` is what the model expects. */
void sim_look_at_log(struct sim *sim);

#endif
