/* model.h: what referrald should do, written a second time, from its documents alone.
 *
 * The specification is proto/README.md, the rules R1 to R15 and the status table; the code under test was not looked at
 * for its structure and nothing of it is called but the calendar (which has an oracle of its own) and the policy's
 * numbers. There is no event, no entry and no table of transitions here: arrays and ifs. The simulator tells the model
 * everything it tells the engine and compares after every step.
 *
 * The model is a value without pointers but for the policy: it is copied at the beginning of a turn and put back when
 * the turn is lost. Cases and referrals are numbered from 1 as the store numbers them. */
#ifndef MODEL_H
#define MODEL_H

#include "rfl_date.h"
#include "rfl_message.h"
#include "rfl_policy.h"

enum { M_CASES_MAX = 1500, M_REFERRALS_MAX = 3000, M_PEOPLE = 48, M_WORKERS = 6, M_SOURCES = 13, M_MAILS_MAX = 8000,
       M_KEYS = 3, M_PLACES = 8, M_KEY_VALUES = M_PEOPLE * M_PLACES, M_QUEUES = 9, M_REFERENCES = 4096,
       M_OPEN_MAX = 400,
       M_EPISODES = 8 /* back to which a no is looked for */, M_LOOKED_AT = 256 /* newest referrals of a case */
};

/* Providers' queues by their numbers in the policy: people live near the first three; the next two are there to be
 * redirected to, so that a budget of redirects is used up before every queue has said no, and get people when areas
 * change; the rest are further providers of Greater Manchester and of Birmingham. */
extern const uint16_t model_intake[M_QUEUES];

/* One referral as a person would fill it in; two equal ones are equal byte for byte on the wire. */
struct m_form {
    uint8_t person;             /* 0 .. M_PEOPLE - 1 */
    uint8_t keys;               /* bit 1 << kind: says the NHS number, the NI number, the date of birth */
    uint8_t place;              /* model_places */
    uint8_t door, consent, band, notify;
    bool off_sick;
    uint16_t body;              /* makes bytes differ */
};

struct m_referral {
    uint16_t kase, prev_on_case, prev_of_reference;     /* numbers; 0 none */
    uint8_t source;
    uint32_t reference;
    struct m_form form, newest;         /* as it came; as last amended */
    uint16_t amendments;
    uint16_t decided;           /* the queue that was right for it when it came, or was last amended */
    uint8_t withdrawn;
    bool forgotten;                     /* its keys find nobody any more */
    int64_t received_ms;
};

/* What routing saw of somebody, and what is looked at again on the day of who was put off. */
struct m_facts { struct m_form form; uint8_t source, age; };

struct m_case {
    uint8_t status, hold, clock, band, door, hops, lapses, touches, escalation, close, outcome, contacts;
    uint8_t tries, channels, warned, no_count;
    int8_t worker;                      /* who has it; -1 nobody */
    uint16_t no[RFL_DECLINED_BY_MAX];   /* queues that said no */
    uint16_t queue, area, first, last, count, withdrawn, linked_to, resembles, previous;
    uint16_t placed_by, placed_area;    /* the referral whose facts placed it; the area they said, 0: a person did */
    struct m_facts facts;               /* of the latest placing that was by facts */
    uint16_t again_at;                  /* the queue that it was given */
    int64_t again_ms;                   /* put off until then, as long as it is there; 0: not put off */
    int64_t placed_ms, looked_ms;       /* looked_ms: when its area was last found to be right */
    struct rfl_token token;
    int64_t opened_ms, since_ms, accept_by_ms, half_ms, most_ms, due_ms, quiet_until_ms, closed_ms;
    bool kept, erased;                  /* a legal hold; the person is gone */
    bool came_home;                     /* the latest placing was because its area had changed */
    bool touched;                       /* since it was last compared */
};

/* What a referrer is to be told: one row of its mailbox. */
struct m_mail { uint16_t referral; uint8_t word, detail; uint16_t provider; };

struct m_worker {
    uint64_t session;                   /* 0: not connected */
    uint64_t gone;                      /* the latest connection that went away, and did not say goodbye */
    uint16_t queues;                    /* bit 1 << index of model_intake */
    bool told_moved;                    /* that a queue of theirs has ended */
    uint32_t credit;
    int64_t heard_ms;
};

struct m_queue { int64_t pause_until_ms, hold_until_ms, divert_until_ms, capacity_until_ms;
                 uint16_t divert_to; uint32_t capacity; };

/* What is special of a seed's England, besides the shipped policy's areas. */
enum m_where { M_ANYWHERE, M_IN_THE_CITY, M_ELSEWHERE };
struct m_rule { uint16_t area, to;              /* 0: the desk */
                uint8_t where, door, age_min, age_max;      /* age_max 0: of any age */
                bool off_sick, shadow, age_unknown; int64_t from_ms, until_ms, again_ms /* "not yet"; 0: no */; };
enum { M_RULES = 12 };
struct m_england {
    int64_t ends_ms;                    /* the Black Country ends: as a whole, or divided */
    int64_t leaves_ms;                  /* the city leaves Greater Manchester */
    bool divided;
    unsigned rules;
    struct m_rule rule[M_RULES];        /* in the order they are tried */
    uint32_t capacity[M_QUEUES];        /* 0: none */
    uint16_t overflow[M_QUEUES];        /* 0: nowhere */
    int64_t opens_ms[M_QUEUES], closes_ms[M_QUEUES];    /* 0: long ago, never */
};

struct model {
    const struct rfl_policy *policy;
    const struct m_england *england;
    int64_t now_ms, idle_look_ms, idle_ms;
    uint16_t cases, referrals, open_count, links;
    uint16_t open[M_OPEN_MAX];          /* the cases that are not closed, in no order */
    uint16_t by_reference[M_REFERENCES];        /* the newest referral with that number, whoever sent it */
    uint16_t touched[M_OPEN_MAX + 100], touched_count;  /* the cases to be compared */
    uint16_t newest[M_KEYS][M_KEY_VALUES];      /* the newest referral that has that key now */
    struct m_worker worker[M_WORKERS];
    struct m_queue queue[M_QUEUES];
    uint16_t mails[M_SOURCES], acked[M_SOURCES];
    struct rfl_token last_token;
    struct m_case kase[M_CASES_MAX + 1];
    struct m_referral referral[M_REFERRALS_MAX + 1];
    struct m_mail mail[M_SOURCES][M_MAILS_MAX];
};

void model_init(struct model *m, const struct rfl_policy *policy, const struct m_england *england, int64_t now_ms,
                int64_t idle_ms);
/* Copies what is in use. */
void model_copy(struct model *to, const struct model *from);
bool model_is_full(const struct model *m);

/* ---- where people live ---- */
enum { M_CITY = 1, M_OUTSIDE = 9 };
struct m_home { const char *postcode; uint16_t area; uint8_t part; };
extern const struct m_home model_places[M_PLACES];
/* Where somebody is put. area: the one that the facts say; 0: none. */
/* again_ms: it is too early; the desk has it until then; 0: it is not. facts: what it was decided by. */
struct m_place { uint16_t queue, area; bool by_facts; int64_t again_ms; struct m_facts facts; };
/* Two people may share a name and a date of birth: whose they are. */
unsigned model_named(const struct m_form *form);
/* The year; everybody has the same birthday, in the first week of a world. */
enum { M_BIRTH_MONTH = 11, M_BIRTH_DAY = 6 };
unsigned model_birth_year(const struct m_form *form);
struct m_source { const char *name; uint8_t doors[3]; uint16_t area; };
extern const struct m_source model_sources[M_SOURCES];

/* ---- adapters ---- */
/* kase: of a refusal for its status, so that the verbs that it names can be compared. */
struct m_answer { enum rfl_code code; uint16_t referral, kase; bool replayed, joined; uint8_t status; };
/* Whether this verb of a worker or of the desk is possible in the case's status. */
bool model_legal(const struct model *m, uint16_t kase, enum rfl_message_kind kind);
bool m_desk_may(const struct m_case *k, enum rfl_message_kind kind);
struct m_answer model_submit(struct model *m, unsigned source, uint32_t reference, const struct m_form *form);
struct m_answer model_amend(struct model *m, unsigned source, uint32_t reference, const struct m_form *form,
                            uint32_t version);
struct m_answer model_withdraw(struct model *m, unsigned source, uint32_t reference, enum rfl_withdraw reason);

/* ---- workers ---- */
struct m_verb {
    enum rfl_message_kind kind;
    uint16_t kase;                      /* a number that may not exist */
    unsigned worker;
    uint64_t session;
    struct rfl_token token;
    uint8_t reason, code;
    bool reached, queue_known;
    uint16_t queue;                     /* REDIRECT */
    int64_t until_ms;
};
struct m_answer model_verb(struct model *m, const struct m_verb *verb);
/* How many referrals the provider who accepts is given: all that stand, of the case and of what rests on it. */
unsigned model_records(const struct model *m, uint16_t kase);
void model_subscribe(struct model *m, unsigned worker, uint64_t session, uint16_t queues, uint32_t credit);
/* The worker said goodbye, or its connection is gone. Returns how many offers went back. */
unsigned model_goodbye(struct model *m, unsigned worker);
unsigned model_gone(struct model *m, unsigned worker);
/* The model is put back to before a turn that was undone, in which workers came to be `now`: what they asked did not
 * happen, but whose connection is gone stays gone. */
void model_undone(struct model *m, const struct m_worker now[M_WORKERS]);
/* A connection was heard of. */
void model_heard(struct model *m, uint64_t session);
unsigned model_outstanding(const struct model *m, unsigned worker);

/* ---- operators ---- */
struct m_order {
    enum rfl_message_kind kind;
    uint16_t kase, other;
    bool signed_, dry_run, override_no, queue_known;
    uint16_t queue, to;
    uint8_t close, mode;
    int64_t until_ms;
    uint32_t capacity;
};
struct m_answer model_order(struct model *m, const struct m_order *order);

/* What is done about the data of one case, by the words of lib/store/FORMAT.md ("Erasure"): whether it may be. */
enum m_data { M_KEEP, M_UNKEEP, M_ERASE, M_REVEAL, M_DATA };
bool model_data(struct model *m, uint16_t kase, enum m_data what);

/* What an operator does to a queue: order->queue, mode, until_ms, to, capacity. */
struct m_answer model_queue_set(struct model *m, const struct m_order *order);

/* ---- time ---- */
/* What a turn does by itself before it offers: silent workers; then, as the engine says whom it moves, areas; then
 * clocks. */
void model_drop_silent(struct model *m);
void model_clocks(struct model *m);
/* The engine's clock did something to this case: so does the model's, if it is time. */
void model_clock(struct model *m, uint16_t kase);
/* The engine has moved this case because its area has changed: so does the model, if it agrees. */
void model_rehomed(struct model *m, uint16_t kase);
/* Areas have been looked through, and it still waits where nobody may any more. */
bool model_homeless(struct model *m, uint16_t kase);
/* It was put off until a day that has come, and nobody has decided again. */
bool model_overdue(const struct model *m, uint16_t kase);
/* The engine offered this. NULL: that was right; else why not. */
const char *model_offered(struct model *m, uint64_t session, uint16_t kase, struct rfl_token token);
/* After settling: somebody waits whom a worker with credit could have. 0: nobody. */
uint16_t model_forgotten(const struct model *m);
void model_restarted(struct model *m);

/* ---- words of feedback ---- */
enum m_word { M_ACCEPTED, M_WITH_SERVICE, M_REDIRECTED, M_STARTED, M_OUTCOME, M_CLOSED, M_WAITING, M_HELD, M_WORDS };
const char *model_word(enum m_word word);

/* ---- for the model's own files ---- */

struct m_case *m_touch(struct model *m, uint16_t kase);
bool m_queue_is_intake(uint16_t queue);
/* The area has not ended; the queue is a provider's of such an area; and it is open as well. */
bool m_alive(const struct model *m, uint16_t area);
bool m_lives(const struct model *m, uint16_t queue);
bool m_takes(const struct model *m, uint16_t queue);
uint16_t m_triage_of(const struct model *m, uint16_t area);
/* Where somebody with this form belongs now. own: the case it is of already, which is in nobody's way; or NULL. */
struct m_place m_route(const struct model *m, unsigned source, const struct m_form *form, const struct m_case *own);
struct m_place m_route_facts(const struct model *m, const struct m_facts *facts, const struct m_case *own);
/* It has been placed: by facts, of this referral where it is not 0; place NULL: by somebody. */
void m_placed(struct model *m, struct m_case *k, uint16_t referral, const struct m_place *place);
/* The queue of somebody whose area has changed and who belongs there. */
uint16_t m_home(const struct model *m, const struct m_case *k, struct m_place to);
void m_go_home(struct model *m, struct m_case *k, bool looked);
/* Something happens to a case: nobody finds it in an area that is no more, nor leaves it there. */
struct m_case *m_begin(struct model *m, uint16_t kase);
void m_end(struct model *m, struct m_case *k, const struct m_case *before);
/* ---- model_put_off.c ---- */
uint8_t m_age(const struct model *m, const struct m_form *form);
/* The day on which a case where it is now is decided again; 0: none. */
int64_t m_day_of(const struct m_case *k);
bool m_is_due_again(const struct model *m, const struct m_case *k);
void m_decide_again(struct model *m, struct m_case *k);
/* Its clock ends then at the latest, and says nothing after it. 0: whenever it ends. */
void m_end_by(struct m_case *k, int64_t until_ms);
/* Back to the desk, after a hold or a decline that was not agreed to: until the day, where it is put off. */
void m_give_back(struct model *m, struct m_case *k);

int64_t m_next_of(const struct m_case *k);
void m_run_on(struct model *m, struct m_case *k);
void m_start_clock(struct model *m, struct m_case *k, enum rfl_clock clock);
void m_start_lease(struct model *m, struct m_case *k);
void m_set_clock(struct m_case *k, enum rfl_clock clock, int64_t due_ms);
void m_place(struct model *m, struct m_case *k, uint16_t queue, uint16_t area, int64_t since_ms);
/* Routing places somebody: an operator may have put that queue on hold, or diverted it. */
void m_put(struct model *m, struct m_case *k, struct m_place place, int64_t since_ms);
void m_release(struct model *m, struct m_case *k);
/* Where who would go to this queue goes now, and whether that takes anybody. */
uint16_t m_where(const struct model *m, uint16_t queue, bool *held);
/* Nobody is offered from it now. */
bool m_rests(const struct model *m, uint16_t queue);
uint16_t m_area_of(uint16_t queue);
void m_place_or_be_quiet(struct model *m, struct m_case *k, const struct m_form *form, struct m_place place,
                         int64_t quiet_until_ms);
void m_to_triage(struct model *m, struct m_case *k);
void m_requeue(struct m_case *k);
void m_close(struct model *m, struct m_case *k, enum rfl_close reason);
bool m_was_looked_for(const struct model *m, const struct m_case *k);
void m_free_holder(struct m_case *k);
void m_say_no(struct m_case *k);
bool m_said_no(const struct m_case *k, uint16_t queue);
/* Every referrer of the case whose door may know it hears of it. */
enum m_news { M_NEWS_ACCEPTED, M_NEWS_MOVED, M_NEWS_STARTED, M_NEWS_OUTCOME, M_NEWS_CLOSED, M_NEWS_WAITING,
              M_NEWS_HELD };
void m_tell(struct model *m, struct m_case *k, enum m_news news, uint8_t detail, uint16_t provider);
void m_tell_one(struct model *m, uint16_t referral, enum m_news news, uint8_t detail, uint16_t provider);
/* Whose referral this is: the person's open case, their newest closed one, and an open one that may be theirs. */
struct m_person { uint16_t open, previous, resembles; int64_t quiet_until_ms; };
struct m_person m_person_of(const struct model *m, const struct m_form *form);
/* Finds the referral by the keys that it has now. */
void m_index(struct model *m, uint16_t referral, const struct m_form *was);
/* Nobody is found by this referral any more. */
void m_forget(struct model *m, uint16_t referral);
uint16_t m_find_reference(const struct model *m, unsigned source, uint32_t reference);
bool m_same_form(const struct m_form *a, const struct m_form *b);
bool m_may_disclose(const struct m_form *form);
/* Forgets a case that was closed from the list of open ones, and puts one back. */
void m_open_remove(struct model *m, const struct m_case *k);

#endif
