/* demo.h: what the parts of the demonstration share. tools/demo builds everything and starts demo_main.c.
 *
 * The demonstration is an ordinary user of libreferral: adapters behind every door (demo_doors.c), intake workers as
 * processes of their own (demo_workers.c), and an operator's questions at the end (demo_audit.c). Everything it sends
 * is a function of the seed (demo_people.c). All people, practices and postcodes are invented: NHS numbers of the range
 * that is never issued, practices Z99..., postcodes of areas QX and QS that do not exist. The areas are the real ones.
 */
#ifndef DEMO_H
#define DEMO_H

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "referral.h"
#include "rfl_policy.h"

enum {
    DEMO_AREAS_MAX = 96, DEMO_SOURCES_MAX = 16, DEMO_WORKERS = 4, DEMO_REFERRALS_MAX = 100000,
    DEMO_REFERRALS_MIN = 500,                   /* with fewer, a worker may have nothing to die with */
    DEMO_CODE_BYTES = 16, DEMO_IN_FLIGHT_MAX = 64, DEMO_PRACTICES_PER_AREA = 3
};

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
};
/* Fills the areas from a policy. */
void demo_world_init(struct demo_world *world, const struct rfl_policy *policy, uint64_t seed, int64_t now_ms);
/* Writes practices.csv and postcodes.csv, in the shapes of the published files, into the folder. */
bool demo_world_publish(const struct demo_world *world, const char *folder);

/* ---- what will be sent ---- */
enum demo_kind { DEMO_NEW, DEMO_JOIN, DEMO_REPLAY, DEMO_CONFLICT, DEMO_KIND_COUNT };

struct demo_referral {
    uint8_t kind, door, source;                 /* enum demo_kind, enum rfl_door, index of the source */
    uint32_t person;                            /* whom it is about; NEW: its own index */
    uint32_t of;                                /* JOIN, REPLAY, CONFLICT: the referral it follows */
    bool answered, replayed, joined;
    uint8_t refused;                            /* enum rfl_code; OK: it has a receipt */
    char receipt[DEMO_CODE_BYTES];
};

struct demo_plan {
    struct demo_referral *referral;
    uint32_t count;
    uint32_t late;                              /* so many, the last ones, come after the desks have closed */
};

extern const char *const demo_source_names[];
extern const uint32_t demo_source_count;

RFL_MUST_USE bool demo_plan_make(const struct demo_world *world, uint32_t count, struct demo_plan *plan);

/* A form and the memory its views point into. The same index gives the same bytes. */
struct demo_form {
    struct rfl_form form;
    char name[48], birth[40], nhs[24], postcode[32], practice[24], phone[32], reason[96], reference[32];
};
void demo_form_make(const struct demo_world *world, const struct demo_plan *plan, uint32_t index,
                    struct demo_form *out);

/* ---- the running demonstration ---- */
struct demo_worker { pid_t pid; int fd; char line[256]; size_t used; };

struct demo_told { char code[DEMO_CODE_BYTES]; uint32_t worker; };

struct demo_tally { uint64_t offers, declined, redirected, deferred, started, fenced, refused, added; };

struct demo {
    const char *dir, *daemon_path, *conf_path, *ctl_path, *json_path;
    char doors[256], workers[256], admin[256];  /* endpoints */
    struct demo_world world;
    struct demo_plan plan;
    struct rfl_client *client[DEMO_SOURCES_MAX];
    struct rfl_client *operator;
    pid_t daemon_pid;
    struct demo_worker worker[DEMO_WORKERS + 1];    /* the last one dies */
    struct demo_tally tally;
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

/* demo_doors.c */
bool demo_doors_open(struct demo *demo);
void demo_doors_close(struct demo *demo);
/* Sends referrals [from, to), not faster than they are answered. */
bool demo_doors_send(struct demo *demo, uint32_t from, uint32_t to);
/* Sends a full window without listening, so that a kill meets referrals of every stage. Returns the new `from`. */
uint32_t demo_doors_burst(struct demo *demo, uint32_t from, uint32_t to);
/* Until every referral that was sent has its answer. */
bool demo_doors_settle(struct demo *demo);
/* Reads and acknowledges every mailbox. */
bool demo_doors_mailboxes(struct demo *demo);
/* Asks for each reference what its receipt is; *lost counts those that are unknown or have another one. */
bool demo_doors_recall(struct demo *demo, uint64_t *lost);

/* demo_workers.c */
bool demo_workers_start(struct demo *demo);
/* Reads what they report, without waiting. */
void demo_workers_hear(struct demo *demo);
/* Waits until the doomed one holds offers, then kills it. */
bool demo_workers_kill_one(struct demo *demo);
bool demo_workers_stop(struct demo *demo);

/* demo_audit.c: asks the operator's questions while the daemon runs. */
bool demo_audit_ask(struct demo *demo, struct demo_findings *found);

/* demo_report.c: prints the tables and the ledger, writes the JSON file if there is to be one. Returns how many things
 * do not add up; each is said. */
int demo_report(const struct demo *demo, const struct demo_findings *found);

#endif
