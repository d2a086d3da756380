/* demo.h: what the parts of the demonstration share. tools/demo builds everything and starts demo_main.c.
 *
 * The demonstration is an ordinary user of libreferral: adapters behind every door (demo_doors.c), intake workers as
 * processes of their own (demo_workers.c), a key for each of them (demo_keys.c), a triage desk (demo_desk.c), the
 * harder moments of a journey after the desks have closed (demo_evening.c), and an operator's questions at the end
 * (demo_audit.c). Everything it sends is a function of the seed (demo_people.c). All people, practices and postcodes
 * are invented: NHS numbers of the range that is never issued, practices Z99..., postcodes of areas QX and QS that do
 * not exist. The areas are the real ones.
 */
#ifndef DEMO_H
#define DEMO_H

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "referral.h"
#include "rfl_policy.h"

enum {
    DEMO_AREAS_MAX = 96, DEMO_FURTHER_MAX = 96, DEMO_SOURCES_MAX = 16, DEMO_REFERRALS_MAX = 100000,
    DEMO_WORKERS = 4, DEMO_DOOMED = DEMO_WORKERS,       /* after those who work, one that dies holding offers, */
    DEMO_REVOKED, DEMO_DESKS,                           /*   and one whose key is revoked meanwhile */
    DEMO_REFERRALS_MIN = 500,                   /* with fewer, a worker may have nothing to die with */
    DEMO_PAUSED = 3, DEMO_DIVERTED = 3,         /* intakes of the first areas, and of those that follow; those go to */
                                                /*   the intakes of the areas that follow next */
    DEMO_CODE_BYTES = 16, DEMO_IN_FLIGHT_MAX = 64, DEMO_PRACTICES_PER_AREA = 3,
    DEMO_NAME_BYTES = 32, DEMO_WORDS_MAX = 12, DEMO_REVOKED_CREDIT = 8, DEMO_CUT_MAX = 4 * DEMO_REVOKED_CREDIT,
    DEMO_ROUNDS_MAX = 10, DEMO_QUEUES_OF_A_DESK_MAX = DEMO_AREAS_MAX + DEMO_FURTHER_MAX
};
#define DEMO_EVENING_NAME "desk-evening"          /* names of keys, and of their owners */
#define DEMO_DESK_OPERATOR "triage-1"
#define DEMO_KEEPER "keeper"
#define DEMO_VISITOR "visitor"
#define DEMO_EXPLAINED_AREA "QOP"                   /* has rules of its own */

/* ---- a generator that gives the same numbers everywhere ---- */
struct demo_rng { uint64_t state; };
uint64_t demo_rng_next(struct demo_rng *rng);
uint32_t demo_rng_below(struct demo_rng *rng, uint32_t limit);

/* ---- the world ---- */
struct demo_area {
    char ods[RFL_CODE_BYTES], ons[RFL_CODE_BYTES];
    char name[RFL_NAME_BYTES_MAX + 1], intake[RFL_NAME_BYTES_MAX + 1];
};

struct demo_world {
    uint64_t seed;
    struct demo_area area[DEMO_AREAS_MAX];      /* alive today, with an intake that is open */
    uint32_t area_count;
    char further[DEMO_FURTHER_MAX][RFL_NAME_BYTES_MAX + 1];     /* the areas' other provider queues */
    uint32_t further_count;
};
/* Fills the areas from a policy. */
void demo_world_init(struct demo_world *world, const struct rfl_policy *policy, uint64_t seed, int64_t now_ms);
/* Writes practices.csv and postcodes.csv, in the shapes of the published files, into the folder. */
bool demo_world_publish(const struct demo_world *world, const char *folder);

/* ---- what will be sent ---- */
enum demo_kind { DEMO_NEW, DEMO_JOIN, DEMO_REPLAY, DEMO_CONFLICT, DEMO_KIND_COUNT };
/* By what a person can be found again; NONE: by nothing that was given. */
enum demo_key { DEMO_KEY_NHS_NUMBER, DEMO_KEY_NINO, DEMO_KEY_NAME_BIRTH_POSTCODE, DEMO_KEY_NONE };

/* The referrals of the evening, after those of the crowd. */
enum demo_scene { DEMO_SCENE_WITHDRAWN, DEMO_SCENE_AGAIN, DEMO_SCENE_REDIRECTED, DEMO_SCENE_LATE,
                  DEMO_SCENE_LATE_COUNT = 6, DEMO_SCENES = DEMO_SCENE_LATE + DEMO_SCENE_LATE_COUNT };

struct demo_referral {
    uint8_t kind, door, source;                 /* enum demo_kind, enum rfl_door, index of the source */
    uint8_t key;                                /* JOIN: enum demo_key, by which it is found to be the same person */
    uint8_t area;                               /* 1 + index of the area of a scene; 0: as it falls */
    uint32_t person;                            /* whom it is about; NEW: its own index */
    uint32_t of;                                /* JOIN, REPLAY, CONFLICT: the referral it follows */
    bool answered, replayed, joined;
    uint8_t refused;                            /* enum rfl_code; OK: it has a receipt */
    char receipt[DEMO_CODE_BYTES];
};

struct demo_plan {
    struct demo_referral *referral;
    uint32_t count;                             /* the crowd and, after it, the scenes */
    uint32_t crowd;
    uint32_t late;                              /* of the crowd so many, the last, come after the desks have closed */
};

extern const char *const demo_source_names[];
extern const uint32_t demo_source_count;
enum rfl_door demo_source_door(uint32_t source);

RFL_MUST_USE bool demo_plan_make(const struct demo_world *world, uint32_t count, struct demo_plan *plan);

/* A form and the memory its views point into. The same index gives the same bytes. */
struct demo_form {
    struct rfl_form form;
    char name[48], birth[40], nhs[24], nino[16], postcode[32], practice[24], phone[32], reason[96], reference[32];
};
void demo_form_make(const struct demo_world *world, const struct demo_plan *plan, uint32_t index,
                    struct demo_form *out);

/* ---- the running demonstration ---- */
struct demo_worker { pid_t pid; int fd; char line[256]; size_t used; uint32_t offers; bool cut; };

/* A case that was out with the worker when its key was revoked; taken: others were offered it afterwards. */
struct demo_cut { char code[DEMO_CODE_BYTES]; bool taken; };

struct demo_told { char code[DEMO_CODE_BYTES]; uint32_t worker; };

struct demo_tally { uint64_t offers, declined, redirected, deferred, started, fenced, refused, added; };

/* What was done to the journeys, and what came of it. */
struct demo_journey {
    uint64_t paused_waiting;                    /* waited in paused queues, and nobody was offered them */
    uint64_t diverted;                          /* came to another queue than their own */
    uint64_t sent_back, approved, held_for_consent, released;
    uint64_t withdrawn, fenced_after;           /* in the middle of an offer; who then said yes was too late */
    uint64_t moves, over_budget;                /* redirects of one case; those that were one too many */
    uint64_t do_not_contact;                    /* referred again after their own no */
    uint64_t warned, escalated, national;       /* events of those whom nobody answered; who got to the very top */
    uint64_t told[RFL_TELL_COUNT];              /* pieces of feedback by word */
};

/* What is asked at the end. */
enum demo_question { DEMO_EXPLAIN, DEMO_AREA_PLAN, DEMO_WHATIF, DEMO_QUESTIONS };

struct demo {
    char question[DEMO_QUESTIONS][768];         /* as one types them */
    const char *dir, *daemon_path, *conf_path, *ctl_path, *json_path;
    char doors[256], workers[256], admin[256];  /* endpoints */
    struct demo_world world;
    struct demo_plan plan;
    struct rfl_client *client[DEMO_SOURCES_MAX];
    struct rfl_client *operator;
    pid_t daemon_pid;
    struct demo_worker worker[DEMO_DESKS];
    struct demo_cut cut[DEMO_CUT_MAX];
    uint32_t cut_count, strangers_refused, keys;
    bool revoked;
    struct demo_tally tally;
    struct demo_journey journey;
    struct demo_told *told;                     /* what workers were told they accepted, as it came */
    uint32_t told_count, told_room;
    uint32_t sample;                            /* tag of a receipt to be shown; 0 none */
    uint32_t sent, answered, daemon_kills, worker_kills, held_at_death;
    int64_t started_ms;
    uint64_t feedback, feedback_gaps, lost;
};

/* What the store says at the end. */
enum { DEMO_QUEUES_MAX = 1024 };
struct demo_queue { char name[RFL_NAME_BYTES_MAX + 1]; uint64_t by_status[RFL_STATUS_COUNT], total; };
struct demo_findings {
    uint64_t referrals, cases, joined, log_entries, by_status[RFL_STATUS_COUNT];
    bool adds_up;
    uint64_t listed, listed_referrals, hops;
    uint64_t told;                              /* cases that a worker was told it accepted, each counted once */
    uint64_t told_twice;                        /* ... and another worker was told so too */
    uint64_t told_wrong;                        /* one that is with no provider although a worker was told so */
    struct demo_queue queue[DEMO_QUEUES_MAX];
    uint32_t queue_count;
    int daemon_exit, verify_exit;
};

int64_t demo_now_ms(void);
/* "  09:14:22  text" to standard output, at once. */
__attribute__((format(printf, 1, 2))) void demo_say(const char *format, ...);

/* demo_daemon.c */
bool demo_daemon_start(struct demo *demo);
void demo_daemon_kill(struct demo *demo);
/* Asks it to stop and waits; its exit code, or -1. */
int demo_daemon_stop(struct demo *demo);
/* Forks and runs a program, output to `log` (appended); waits. Its exit code, or -1. */
int demo_run(const char *const argv[], const char *log);
bool demo_ask_operator(struct demo *demo, const struct rfl_ask *ask, enum rfl_message_kind wanted,
                       struct rfl_reply *reply);

/* Three free ports of this machine's loopback, chosen by the system, as endpoints: lines of FOLDER/endpoints. */
bool demo_daemon_addresses(const char *folder);

/* demo_keys.c: key pairs in the folder's keys/NAME.key, mode 0600; `name` is that of the key and of whose it is. */
/* Makes everybody's pair, and keys.conf. */
bool demo_keys_make(const struct demo_world *world, const char *folder);
/* A client with these options and that key. */
bool demo_keys_connect(const struct demo *demo, const char *name, const struct rfl_client_options *options,
                       struct rfl_client **out);
/* Knocks with a key that is in no table. False when it could not be tried. */
bool demo_keys_stranger(struct demo *demo);
/* Runs referralctl with that identity, output to a file of the folder (appended). False: it did not end well; said. */
bool demo_ctl(struct demo *demo, const char *name, const char *const words[], const char *file);
/* As an operator does it: referralctl keys revoke, while the daemon runs. */
bool demo_keys_revoke(struct demo *demo, const char *name);

/* demo_doors.c */
bool demo_doors_open(struct demo *demo);
void demo_doors_close(struct demo *demo);
/* Sends referrals [from, to), not faster than they are answered. */
bool demo_doors_send(struct demo *demo, uint32_t from, uint32_t to);
/* Sends a full window without listening, so that a kill meets referrals of every stage. Returns the new `from`. */
uint32_t demo_doors_burst(struct demo *demo, uint32_t from, uint32_t to);
/* Takes back what the referrer sent, because the person says no. */
bool demo_doors_withdraw(struct demo *demo, uint32_t index);
/* Until every referral that was sent has its answer. */
bool demo_doors_settle(struct demo *demo);
/* Reads and acknowledges every mailbox. */
bool demo_doors_mailboxes(struct demo *demo);
/* Asks for each reference what its receipt is; *lost counts those that are unknown or have another one. */
bool demo_doors_recall(struct demo *demo, uint64_t *lost);

/* demo_workers.c */
void demo_desk_name(uint32_t number, char out[DEMO_NAME_BYTES]);
/* The queues it works, and no others. Returns how many. */
uint32_t demo_desk_queues(const struct demo_world *world, uint32_t number,
                          struct rfl_view out[DEMO_QUEUES_OF_A_DESK_MAX]);
bool demo_workers_start(struct demo *demo);
/* Reads what they report, without waiting. */
void demo_workers_hear(struct demo *demo);
/* Waits until the doomed one holds offers, then kills it. */
bool demo_workers_kill_one(struct demo *demo);
/* Waits until the other silent one holds offers, then has its key revoked. */
bool demo_workers_revoke_one(struct demo *demo);
bool demo_workers_stop(struct demo *demo);

/* demo_desk.c: what operators do while the desks work. */
/* Pauses some queues and diverts others. */
bool demo_desk_queues_set(struct demo *demo);
/* Counts who waited and who was diverted, and takes both back. */
bool demo_desk_queues_clear(struct demo *demo);
/* Answers proposals to decline and ends holds for consent, some of each. */
bool demo_desk_afternoon(struct demo *demo);

/* demo_evening.c: a withdrawal in the middle of an offer, a no that is respected, a redirect too many, and clocks that
 * run out. The desks must have closed: it has a worker of its own. */
bool demo_evening(struct demo *demo);
/* The queues of its worker, as demo_desk_queues. */
uint32_t demo_evening_queues(const struct demo_world *world, struct rfl_view out[DEMO_QUEUES_OF_A_DESK_MAX]);

/* demo_audit.c: asks the operator's questions while the daemon runs. */
/* Goes through all cases of a status (NONE: all) in a queue (NULL: any), one page after another. `take` returns false
 * to stop with a failure. It may ask for nothing. */
typedef bool demo_take_row(void *ctx, const struct rfl_case_row *row);
bool demo_audit_list(struct demo *demo, enum rfl_status status, const char *queue, demo_take_row *take, void *ctx);
/* How many are on hold of that kind. */
bool demo_audit_held(struct demo *demo, const char *hold, uint64_t *count);
bool demo_audit_ask(struct demo *demo, struct demo_findings *found);

/* demo_questions.c: referralctl's own answers, while the daemon runs: why one case went where it went, and what the
 * example of a boundary that moves would do. Each is kept as folder/NAME.txt, and as NAME.json. */
bool demo_questions_ask(struct demo *demo);
/* "$ referralctl ..." and what it printed. */
void demo_questions_print(const struct demo *demo);
const char *demo_question_name(enum demo_question question);

/* demo_report.c: prints the tables and the ledger, writes the JSON file if there is to be one. Returns how many things
 * do not add up; each is said. */
int demo_report(const struct demo *demo, const struct demo_findings *found);

#endif
