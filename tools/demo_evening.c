/* The harder moments of a journey, each with a referral of its own and one worker, after the desks have closed. */
#include <poll.h>
#include <stdlib.h>

#include "demo.h"

enum { WAIT_MS = 30000, ANSWER_MS = 20000, PING_MS = 400, PATH_BYTES = 512 };

/* The worker: what it was last offered, and what it was last told about it. */
struct evening {
    struct demo *demo;
    struct rfl_client *client;
    char code[DEMO_CODE_BYTES];                 /* empty: no offer */
    struct rfl_token token;
    uint8_t notice;
};

static const struct rfl_view worker_name = { (const uint8_t *)DEMO_EVENING_NAME, sizeof DEMO_EVENING_NAME - 1 };

static void heard(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    struct evening *e = ctx;
    (void)client;
    (void)tag;
    if (reply->kind == RFL_MSG_NOTICE)
        e->notice = reply->notice.kind;
    if (reply->kind != RFL_MSG_OFFER || reply->offer.case_code.len >= sizeof e->code)
        return;
    memset(e->code, 0, sizeof e->code);
    memcpy(e->code, reply->offer.case_code.p, reply->offer.case_code.len);
    e->token = reply->offer.token;
}

static bool fail(const char *what)
{
    printf("in the evening %s\n", what);
    return false;
}

static uint32_t scene(const struct demo *demo, enum demo_scene which) { return demo->plan.crowd + (uint32_t)which; }

static bool send(struct demo *demo, uint32_t index)
{
    return demo_doors_send(demo, index, index + 1) && demo_doors_settle(demo);
}

static bool show(struct demo *demo, uint32_t index, struct rfl_reply *reply)
{
    struct rfl_ask ask = { .kind = RFL_MSG_SHOW, .code = rfl_view_of(demo->plan.referral[index].receipt) };
    return demo_ask_operator(demo, &ask, RFL_MSG_SHOWN, reply);
}

/* ---- the worker ---- */

static uint32_t intakes(const struct demo_world *world, uint32_t first_area, uint32_t count, struct rfl_view *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = rfl_view_of(world->area[(first_area + i) % world->area_count].intake);
    return count;
}

uint32_t demo_evening_queues(const struct demo_world *world, struct rfl_view out[DEMO_QUEUES_OF_A_DESK_MAX])
{
    uint32_t count = intakes(world, DEMO_SCENE_WITHDRAWN, 1, out);
    return count + intakes(world, DEMO_SCENE_REDIRECTED, DEMO_ROUNDS_MAX, out + count);
}

static bool open_worker(struct evening *e, uint32_t first_area, uint32_t count)
{
    struct rfl_view queues[DEMO_ROUNDS_MAX];
    const struct rfl_client_options options = { .endpoint = e->demo->workers, .heard = heard, .ctx = e,
                                                .resend_ms = 500, .resend_max_ms = 2000, .ping_ms = PING_MS };
    (void)intakes(&e->demo->world, first_area, count, queues);
    return demo_keys_connect(e->demo, DEMO_EVENING_NAME, &options, &e->client)
        && rfl_client_subscribe(e->client, worker_name, queues, count, 1) == RFL_E_OK;
}

static bool close_worker(struct evening *e)
{
    struct rfl_ask goodbye = { .kind = RFL_MSG_GOODBYE, .worker = worker_name };
    struct rfl_reply reply;
    bool good = rfl_client_ask(e->client, &goodbye, ANSWER_MS, &reply) == RFL_E_OK && reply.kind == RFL_MSG_BYE;
    rfl_client_free(&e->client);
    return good || fail("the worker did not leave in order");
}

static bool wait_for_offer(struct evening *e)
{
    int64_t until_ms = demo_now_ms() + WAIT_MS;
    while (e->code[0] == '\0')
        if (rfl_client_poll(e->client, 50) == -1 || demo_now_ms() > until_ms)
            return false;
    return true;
}

static bool wait_for_notice(struct evening *e, enum rfl_notice notice)
{
    int64_t until_ms = demo_now_ms() + WAIT_MS;
    while (e->notice != notice)
        if (rfl_client_poll(e->client, 50) == -1 || demo_now_ms() > until_ms)
            return false;
    return true;
}

/* ---- a withdrawal in the middle of an offer, and the same person referred again ---- */

static bool withdraw_offered(struct evening *e)
{
    struct demo *demo = e->demo;
    struct rfl_reply reply;
    uint32_t index = scene(demo, DEMO_SCENE_WITHDRAWN);
    if (!send(demo, index) || !wait_for_offer(e))
        return fail("nobody was offered the one who was to withdraw");
    if (!demo_doors_withdraw(demo, index) || !wait_for_notice(e, RFL_NOTICE_WITHDRAWN))
        return fail("the withdrawal was not taken, or its worker did not hear of it");
    struct rfl_ask accept = { .kind = RFL_MSG_ACCEPT, .worker = worker_name, .code = rfl_view_of(e->code),
                              .token = e->token };
    if (rfl_client_ask(e->client, &accept, ANSWER_MS, &reply) != RFL_E_OK)
        return fail("an accept was not answered");
    demo->journey.fenced_after += reply.kind == RFL_MSG_REFUSAL && reply.refusal.code == RFL_CODE_FENCED;
    if (!show(demo, index, &reply))
        return false;
    demo->journey.withdrawn += reply.shown.row.status == RFL_STATUS_CLOSED;
    demo_say("%s was on offer when the person withdrew: closed; the worker heard, and its yes came too late",
             demo->plan.referral[index].receipt);
    return true;
}

static bool come_again(struct demo *demo)
{
    static const char word[] = "do_not_contact";
    struct rfl_reply reply;
    uint32_t index = scene(demo, DEMO_SCENE_AGAIN);
    if (!send(demo, index) || !show(demo, index, &reply))
        return fail("the same person could not be referred again");
    demo->journey.do_not_contact += reply.shown.row.hold.len == sizeof word - 1
        && memcmp(reply.shown.row.hold.p, word, sizeof word - 1) == 0;
    demo_say("%s is the same person, referred by a surgery: held, because their no is respected",
             demo->plan.referral[index].receipt);
    return true;
}

static bool scene_of_the_no(struct evening *e)
{
    if (!open_worker(e, DEMO_SCENE_WITHDRAWN, 1))
        return fail("the worker could not connect");
    bool good = withdraw_offered(e);
    return close_worker(e) && good && come_again(e->demo);
}

/* ---- sent round until somebody says stop ---- */

static bool redirect_on(struct evening *e, uint32_t hop, bool *stopped)
{
    const struct demo_world *world = &e->demo->world;
    struct rfl_reply reply;
    if (!wait_for_offer(e))
        return fail("nobody was offered the one who is sent round");
    struct rfl_ask ask = { .kind = RFL_MSG_REDIRECT, .worker = worker_name, .code = rfl_view_of(e->code),
                           .token = e->token, .reason = RFL_DECLINE_OUT_OF_AREA,
                           .queue = rfl_view_of(world->area[(DEMO_SCENE_REDIRECTED + hop + 1) % world->area_count]
                                                    .intake) };
    char code[DEMO_CODE_BYTES];
    memcpy(code, e->code, sizeof code);
    ask.code = rfl_view_of(code);
    e->code[0] = '\0';                          /* the next offer may come before the answer */
    if (rfl_client_ask(e->client, &ask, ANSWER_MS, &reply) != RFL_E_OK || reply.kind != RFL_MSG_DONE)
        return fail("a redirect was refused");
    e->demo->journey.moves++;
    *stopped = reply.done.status == RFL_STATUS_TRIAGE;
    e->demo->journey.over_budget += *stopped;
    return true;
}

static bool scene_of_the_rounds(struct evening *e)
{
    uint32_t index = scene(e->demo, DEMO_SCENE_REDIRECTED);
    bool stopped = false;
    if (!open_worker(e, DEMO_SCENE_REDIRECTED, DEMO_ROUNDS_MAX) || !send(e->demo, index))
        return fail("the worker could not connect");
    for (uint32_t hop = 0; hop + 1 < DEMO_ROUNDS_MAX && !stopped; hop++)
        if (!redirect_on(e, hop, &stopped))
            return false;
    if (!close_worker(e))
        return false;
    demo_say("%s was redirected %llu times; the last was beyond the budget, so triage has it",
             e->demo->plan.referral[index].receipt, (unsigned long long)e->demo->journey.moves);
    return stopped || fail("somebody may be sent round for ever");
}

/* ---- clocks that run out ---- */

static bool copy_file(const char *from, const char *to)
{
    char text[16384];
    FILE *in = fopen(from, "re"), *out = in != NULL ? fopen(to, "we") : NULL;
    bool good = out != NULL;
    size_t len = good ? fread(text, 1, sizeof text, in) : 0;
    good = good && len < sizeof text && fwrite(text, 1, len, out) == len;
    if (in != NULL)
        (void)fclose(in);
    if (out != NULL)
        good = fclose(out) == 0 && good;
    return good;
}

static bool policy_now(struct demo *demo, char digest[RFL_NAME_BYTES_MAX + 1])
{
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    struct rfl_reply reply;
    if (!demo_ask_operator(demo, &ask, RFL_MSG_ADMIN_STATE, &reply))
        return false;
    (void)snprintf(digest, RFL_NAME_BYTES_MAX + 1, "%.*s", (int)reply.admin_state.policy.len,
                   (const char *)reply.admin_state.policy.p);
    return true;
}

/* Puts other clocks into the policy's folder and tells the daemon, which takes all of it or nothing. */
static bool set_clocks(struct demo *demo, const char *which)
{
    char from[PATH_BYTES], to[PATH_BYTES], before[RFL_NAME_BYTES_MAX + 1], now[RFL_NAME_BYTES_MAX + 1];
    int64_t until_ms = demo_now_ms() + WAIT_MS;
    (void)snprintf(from, sizeof from, "%s/%s", demo->dir, which);
    (void)snprintf(to, sizeof to, "%s/policy/clocks.conf", demo->dir);
    if (!policy_now(demo, before) || !copy_file(from, to))
        return fail("the clocks could not be written");
    (void)kill(demo->daemon_pid, SIGHUP);
    do {
        (void)poll(NULL, 0, 20);
        if (!policy_now(demo, now) || demo_now_ms() > until_ms)
            return fail("the daemon did not take other clocks");
    } while (strcmp(before, now) == 0);
    return true;
}

struct story { uint64_t warned, escalated, level; };

static bool read_story(struct demo *demo, uint32_t index, struct story *story)
{
    struct rfl_reply reply;
    *story = (struct story){ 0 };
    if (!show(demo, index, &reply))
        return false;
    for (uint32_t i = 0; i < reply.shown.timeline_count; i++) {
        struct rfl_view event = reply.shown.timeline[i].event;
        story->warned += event.len == 6 && memcmp(event.p, "warned", 6) == 0;
        story->escalated += event.len == 9 && memcmp(event.p, "escalated", 9) == 0;
    }
    story->level = reply.shown.row.escalation;
    return true;
}

static bool wait_for_the_top(struct demo *demo, uint32_t index)
{
    int64_t until_ms = demo_now_ms() + WAIT_MS;
    struct story story;
    do {
        (void)poll(NULL, 0, 50);
        if (!read_story(demo, index, &story) || demo_now_ms() > until_ms)
            return fail("a clock ran out and nobody was asked");
    } while (story.level < 2);
    demo->journey.warned += story.warned;
    demo->journey.escalated += story.escalated;
    demo->journey.national++;
    return true;
}

static bool scene_of_the_clocks(struct demo *demo)
{
    uint32_t first = scene(demo, DEMO_SCENE_LATE);
    if (!set_clocks(demo, "clocks-fast.conf"))
        return false;
    demo_say("the clocks are set to seconds; %d are referred, and nobody is there to answer", DEMO_SCENE_LATE_COUNT);
    if (!demo_doors_send(demo, first, first + DEMO_SCENE_LATE_COUNT) || !demo_doors_settle(demo))
        return false;
    for (uint32_t i = 0; i < DEMO_SCENE_LATE_COUNT; i++)
        if (!wait_for_the_top(demo, first + i))
            return false;
    demo_say("%llu warnings and %llu breaches: the areas' leads were asked, then the next one up",
             (unsigned long long)demo->journey.warned, (unsigned long long)demo->journey.escalated);
    return set_clocks(demo, "clocks-day.conf");
}

bool demo_evening(struct demo *demo)
{
    struct evening e = { .demo = demo };
    return scene_of_the_no(&e) && (e = (struct evening){ .demo = demo }, scene_of_the_rounds(&e))
        && scene_of_the_clocks(demo);
}
