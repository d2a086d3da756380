/* engine_world.h: the engine on a real store in a folder of its own, with the policy that is shipped and a clock that
 * is a variable. No sockets: what is asked is built by hand, and a session is a number. */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "canary.h"
#include "rfl_conf.h"
#include "rfl_engine.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })
#define MANCHESTER "greater-manchester/intake"
#define CORNWALL "cornwall-isles-of-scilly/intake"

/* Monday 2 November 2026, 10:00 in London: four working hours later is 14:00. */
#define MONDAY_MS INT64_C(1793613600000)
#define HOUR_MS INT64_C(3600000)

enum { SESSION_DOOR = 1, SESSION_ADMIN = 2, SESSION_ANNA = 11, SESSION_BEN = 12, SESSION_GP = 21, SESSION_MORE = 30 };

struct engine_world {
    char folder[96], dir[128];
    struct rfl_store_options store_options;
    struct rfl_engine_options options;
    struct rfl_store *store;
    struct rfl_engine *engine;
    struct rfl_now now;
    uint64_t correlation;
    const struct rfl_outgoing *said;        /* what the last turn said */
    uint32_t said_count;
};

static struct rfl_policy *shipped_policy;
static struct engine_world w;

static inline void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }
static inline struct rfl_view text_of(const char *text)
{
    return (struct rfl_view){ (const uint8_t *)text, strlen(text) };
}
static inline bool is_text(struct rfl_view v, const char *text)
{
    return v.len == strlen(text) && (v.len == 0 || memcmp(v.p, text, v.len) == 0);
}
#define assert_text(view, text) \
    do { \
        struct rfl_view v_ = (view); \
        if (!is_text(v_, text)) \
            fail_msg("\"%.*s\" is not \"%s\"", (int)v_.len, v_.len > 0 ? (const char *)v_.p : "", text); \
    } while (0)

/* ---- the world ---- */

static inline void say_finding(void *ctx, const char *rule, uint64_t where)
{
    (void)ctx;
    print_error("store: %s (%llu)\n", rule, (unsigned long long)where);
}

static inline void open_engine(void)
{
    const char *why = NULL;
    if (rfl_store_open(w.dir, &w.store_options, w.now.wall_ms, &w.store, &why) != RFL_E_OK)
        fail_msg("the store does not open: %s", why);
    w.options.store = w.store;
    w.options.policy = shipped_policy;
    must(rfl_engine_new(&w.options, &w.now, &w.engine));
    w.said_count = 0;
}

static inline void close_engine(void)
{
    rfl_engine_free(&w.engine);
    rfl_store_close(&w.store);
}

static inline void restart(void)
{
    close_engine();
    open_engine();
}

/* The options may be changed before: tests that need others make their world with them. */
static inline void open_world(uint64_t map_bytes)
{
    const char *base = getenv("TMPDIR");
    memset(&w, 0, sizeof w);
    (void)snprintf(w.folder, sizeof w.folder, "%.60s/rfl_engine_XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(w.folder));
    (void)snprintf(w.dir, sizeof w.dir, "%s/store", w.folder);
    w.store_options = (struct rfl_store_options){ .map_bytes = map_bytes, .allow_any_fs = true };
    w.options.test_people = true;
    w.now = (struct rfl_now){ MONDAY_MS, 1000 };
    must(rfl_store_init(w.dir, &w.store_options));
    open_engine();
}

static inline void remove_file(const char *name)
{
    char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", w.dir, name);
    (void)unlink(path);
}

/* Every story ends so: the figures add up, and the closed store is what its log says. */
static inline void close_world(void)
{
    struct rfl_store_stat stat;
    struct rfl_store_report report = { .say = say_finding };
    uint64_t cases = 0;
    rfl_store_stat(w.store, &stat);
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++)
        cases += stat.case_by_status[i];
    assert_int_equal(cases, stat.cases);
    assert_int_equal(stat.referrals, stat.cases + stat.joined);
    close_engine();
    must(rfl_store_verify(w.dir, &w.store_options, &report));
    assert_int_equal(report.findings, 0);
    assert_int_equal(canary_search(w.folder), 0);
    remove_file("data.mdb");
    remove_file("lock.mdb");
    remove_file("master.key");
    remove_file("lock");
    (void)rmdir(w.dir);
    (void)rmdir(w.folder);
}

static inline int load_policy(void **state)
{
    (void)state;
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY
                                      : rfl_conf_policy_load("config/policy", &shipped_policy, report);
    free(report);
    return err == RFL_E_OK ? 0 : -1;
}

static inline int free_policy(void **state)
{
    (void)state;
    rfl_conf_policy_free(&shipped_policy);
    return 0;
}

static inline int world_up(void **state)
{
    (void)state;
    open_world(64 << 20);
    return 0;
}

static inline int world_down(void **state)
{
    (void)state;
    close_world();
    return 0;
}

/* ---- turns ---- */

static inline void begin(void) { must(rfl_engine_begin(w.engine, &w.now)); }

static inline enum rfl_err end(void)
{
    rfl_engine_settle(w.engine);
    enum rfl_err err = rfl_engine_commit(w.engine);
    w.said = rfl_engine_outbox(w.engine, &w.said_count);
    return err;
}

static inline void quiet_turn(void)
{
    begin();
    must(end());
}

static inline void at(int64_t wall_ms)
{
    w.now = (struct rfl_now){ wall_ms, w.now.boot_ms + (wall_ms - w.now.wall_ms) };
}

static inline void pass(int64_t ms)
{
    at(w.now.wall_ms + ms);
    quiet_turn();
}

/* The n-th reply of this kind to this session in the last turn; NULL: there is none. */
static inline const struct rfl_reply *said(uint64_t session, enum rfl_message_kind kind, unsigned n)
{
    for (uint32_t i = 0; i < w.said_count; i++)
        if (w.said[i].session == session && w.said[i].reply.kind == kind && n-- == 0)
            return &w.said[i].reply;
    return NULL;
}

static inline unsigned count_said(uint64_t session, enum rfl_message_kind kind)
{
    unsigned n = 0;
    while (said(session, kind, n) != NULL)
        n++;
    return n;
}

/* One ask in a turn of its own: its (first) answer. */
static inline const struct rfl_reply *asked(uint64_t session, struct rfl_ask *ask)
{
    ask->correlation = ++w.correlation;
    begin();
    rfl_engine_handle(w.engine, session, ask);
    must(end());
    for (uint32_t i = 0; i < w.said_count; i++)
        if (w.said[i].reply.correlation == ask->correlation) {
            assert_int_equal(w.said[i].session, session);
            return &w.said[i].reply;
        }
    fail_msg("no answer to a %s", rfl_message_name((enum rfl_message_kind)ask->kind));
    return NULL;
}

static inline void expect_refused(const struct rfl_reply *reply, enum rfl_code code)
{
    if (reply->kind != RFL_MSG_REFUSAL)
        fail_msg("answered with a %s", rfl_message_name((enum rfl_message_kind)reply->kind));
    assert_int_equal(reply->refusal.code, code);
}

static inline void expect_kind(const struct rfl_reply *reply, enum rfl_message_kind kind)
{
    if (reply->kind == RFL_MSG_REFUSAL)
        fail_msg("refused with %s", rfl_code_name((enum rfl_code)reply->refusal.code));
    assert_int_equal(reply->kind, kind);
}

/* ---- asks ---- */

struct knock {                  /* a referral in a line; what is not given has an everyday value */
    const char *source, *reference, *body, *area, *nhs;
    enum rfl_door door;
    enum rfl_consent consent;
    bool urgent;
};

static inline struct rfl_ask submit_of(const struct knock *k)
{
    struct rfl_ask ask = { .kind = RFL_MSG_SUBMIT };
    ask.source = text_of(k->source != NULL ? k->source : "gp-north");
    ask.reference = text_of(k->reference);
    ask.referral = text_of(k->body != NULL ? k->body : k->reference);
    ask.form.door = (uint8_t)(k->door != RFL_DOOR_NONE ? k->door : RFL_DOOR_GP);
    ask.form.consent = (uint8_t)(k->consent != RFL_CONSENT_NOT_STATED ? k->consent : RFL_CONSENT_GIVEN);
    ask.form.referrer_area = text_of(k->area != NULL ? k->area : "QOP");
    ask.form.nhs_number = text_of(k->nhs != NULL ? k->nhs : "");
    ask.form.has_band = true;
    ask.form.band = k->urgent ? RFL_BAND_URGENT : RFL_BAND_ROUTINE;
    return ask;
}

static inline const struct rfl_reply *submit(struct knock k)
{
    struct rfl_ask ask = submit_of(&k);
    return asked(SESSION_DOOR, &ask);
}

/* A person has a number of the range that is never issued: 999, six digits, and the check digit. Some have none. */
static inline const char *person(unsigned n)
{
    static char numbers[8][11];
    static unsigned turn;
    char *text = numbers[turn++ % 8];
    unsigned sum = 0, check;
    for (;; n++) {
        (void)snprintf(text, 11, "999%06u", n % 1000000);
        sum = 0;
        for (unsigned i = 0; i < 9; i++)
            sum += (unsigned)(text[i] - '0') * (10 - i);
        check = (11 - sum % 11) % 11;
        if (check < 10)
            break;
    }
    text[9] = (char)('0' + check);
    text[10] = '\0';
    return text;
}

static inline const struct rfl_reply *subscribe(uint64_t session, const char *worker, const char *queue,
                                                uint32_t credit)
{
    const struct rfl_view names[1] = { text_of(queue) };
    struct rfl_ask ask = { .kind = RFL_MSG_SUBSCRIBE, .worker = text_of(worker), .credit = credit, .names = names,
                           .names_count = 1 };
    return asked(session, &ask);
}

/* An offer outlives the turn it was heard in. */
struct held { char code[32]; struct rfl_token token; int64_t deadline_ms; };

static inline struct held heard_offer(uint64_t session, unsigned n)
{
    struct held held;
    const struct rfl_reply *reply = said(session, RFL_MSG_OFFER, n);
    if (reply == NULL)
        fail_msg("no offer number %u", n);
    (void)snprintf(held.code, sizeof held.code, "%.*s", (int)reply->offer.case_code.len,
                   (const char *)reply->offer.case_code.p);
    held.token = reply->offer.token;
    held.deadline_ms = reply->offer.deadline_ms;
    return held;
}

static inline struct rfl_ask verb_of(enum rfl_message_kind kind, const char *worker, const struct held *offer)
{
    return (struct rfl_ask){ .kind = (uint8_t)kind, .worker = text_of(worker), .code = text_of(offer->code),
                             .token = offer->token, .reason = 1, .channel = 1, .outcome = 1, .reached = true };
}

static inline const struct rfl_reply *verb(uint64_t session, enum rfl_message_kind kind, const char *worker,
                                           const struct held *offer)
{
    struct rfl_ask ask = verb_of(kind, worker, offer);
    return asked(session, &ask);
}

static inline const struct rfl_reply *status_of(const char *source, const char *reference)
{
    struct rfl_ask ask = { .kind = RFL_MSG_STATUS_QUERY, .source = text_of(source), .reference = text_of(reference) };
    return asked(SESSION_DOOR, &ask);
}

static inline uint64_t counter(const char *name)
{
    uint32_t count;
    const struct rfl_engine_counter *counters = rfl_engine_counters(w.engine, &count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(counters[i].name, name) == 0)
            return counters[i].value;
    fail_msg("no counter %s", name);
    return 0;
}

#endif
