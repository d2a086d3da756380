/* The triage desk and the queues' operators, while intake works: pausing, diverting, answering, releasing. */
#include <poll.h>
#include <stdlib.h>

#include "demo.h"

enum { PAUSED = DEMO_PAUSED, DIVERTED = DEMO_DIVERTED, SET = PAUSED + DIVERTED, WAIT_MS = 30000, ANSWER_MS = 20000,
       HOUR_MS = 3600000, CODES_MAX = 20000 };

static const char *intake_of(const struct demo *demo, uint32_t area)
{
    return demo->world.area[area % demo->world.area_count].intake;
}

static bool same(struct rfl_view view, const char *text)
{
    return view.len == strlen(text) && memcmp(view.p, text, view.len) == 0;
}

static struct rfl_ask verb(enum rfl_message_kind kind, const char *why)
{
    return (struct rfl_ask){ .kind = (uint8_t)kind, .operator_name = rfl_view_of(DEMO_DESK_OPERATOR),
                             .why = rfl_view_of(why) };
}

static bool act(struct demo *demo, const struct rfl_ask *ask)
{
    struct rfl_reply reply;
    return demo_ask_operator(demo, ask, RFL_MSG_ACTED, &reply);
}

/* ---- lists ---- */

/* Codes are taken down first: nothing may be asked while a list is read, and what is done about one changes it. */
struct codes {
    uint32_t count;
    bool unmoved;                               /* only those whom no worker has redirected */
    const char *hold;                           /* only those who are held so; NULL: anybody */
    const struct demo_world *world;
    uint8_t area[CODES_MAX];                    /* whose intake it is in */
    char code[CODES_MAX][DEMO_CODE_BYTES];
};

static uint8_t area_of(const struct demo_world *world, struct rfl_view queue)
{
    for (uint32_t i = 0; i < world->area_count; i++)
        if (same(queue, world->area[i].intake))
            return (uint8_t)i;
    return 0;
}

static bool take_code(void *ctx, const struct rfl_case_row *row)
{
    struct codes *codes = ctx;
    if (codes->count == CODES_MAX || row->case_code.len >= DEMO_CODE_BYTES
        || (codes->hold != NULL && !same(row->hold, codes->hold)) || (codes->unmoved && row->hops > 0))
        return true;
    codes->area[codes->count] = area_of(codes->world, row->queue);
    memcpy(codes->code[codes->count++], row->case_code.p, row->case_code.len);
    return true;
}

/* ---- queues ---- */

bool demo_desk_queues_set(struct demo *demo)
{
    for (uint32_t i = 0; i < SET; i++) {
        struct rfl_ask ask = verb(RFL_MSG_QUEUE_SET, i < PAUSED ? "their system is down" : "two of three are away");
        ask.queue = rfl_view_of(intake_of(demo, i));
        ask.mode = i < PAUSED ? RFL_QUEUE_MODE_PAUSE : RFL_QUEUE_MODE_DIVERT;
        ask.at_ms = demo_now_ms() + HOUR_MS;
        if (i >= PAUSED)
            ask.to = rfl_view_of(intake_of(demo, i + DIVERTED));
        if (!act(demo, &ask))
            return false;
    }
    demo_say("an operator pauses %d queues and diverts %d others, for an hour", PAUSED, DIVERTED);
    return true;
}

static bool take_one(void *ctx, const struct rfl_case_row *row)
{
    (void)row;
    ++*(uint64_t *)ctx;
    return true;
}

/* Until what was out with a worker when the queue was paused has come back or is accepted. */
static bool wait_for_offers(struct demo *demo, const char *queue)
{
    int64_t until_ms = demo_now_ms() + WAIT_MS;
    uint64_t offered = 1;
    while (offered > 0) {
        offered = 0;
        demo_workers_hear(demo);
        if (!demo_audit_list(demo, RFL_STATUS_OFFERED, queue, take_one, &offered) || demo_now_ms() > until_ms)
            return false;
        if (offered > 0)
            (void)poll(NULL, 0, 50);
    }
    return true;
}

/* Those in the queue who were routed to the area whose queue is diverted here, as the decision says. */
static bool count_diverted(struct demo *demo, const char *queue, const char *from_area)
{
    struct codes *codes = calloc(1, sizeof *codes);
    struct rfl_reply reply;
    if (codes != NULL)
        *codes = (struct codes){ .unmoved = true, .world = &demo->world };
    bool good = codes != NULL && demo_audit_list(demo, RFL_STATUS_NONE, queue, take_code, codes);
    for (uint32_t i = 0; good && i < codes->count; i++) {
        struct rfl_ask ask = { .kind = RFL_MSG_EXPLAIN, .code = rfl_view_of(codes->code[i]) };
        good = demo_ask_operator(demo, &ask, RFL_MSG_EXPLAINED, &reply);
        demo->journey.diverted += good && same(reply.explained.area, from_area);
    }
    free(codes);
    return good;
}

bool demo_desk_queues_clear(struct demo *demo)
{
    for (uint32_t i = 0; i < SET; i++) {
        if (i < PAUSED && (!wait_for_offers(demo, intake_of(demo, i))
                           || !demo_audit_list(demo, RFL_STATUS_QUEUED, intake_of(demo, i), take_one,
                                               &demo->journey.paused_waiting)))
            return false;
        if (i >= PAUSED && !count_diverted(demo, intake_of(demo, i + DIVERTED), demo->world.area[i].name))
            return false;
    }
    for (uint32_t i = 0; i < SET; i++) {
        struct rfl_ask ask = verb(RFL_MSG_QUEUE_SET, "all is well again");
        ask.queue = rfl_view_of(intake_of(demo, i));
        ask.mode = RFL_QUEUE_MODE_CLEAR;
        if (!act(demo, &ask))
            return false;
    }
    demo_say("%llu waited in paused queues, %llu were diverted; the operator takes both back",
             (unsigned long long)demo->journey.paused_waiting, (unsigned long long)demo->journey.diverted);
    return true;
}

/* ---- cases ---- */

/* With the provider of the next area, or the one after it: whoever said no to this person is not asked again. */
static bool place_elsewhere(struct demo *demo, const char *code, uint32_t from)
{
    struct rfl_reply reply = { .kind = RFL_MSG_NONE };
    for (uint32_t next = 1; next < demo->world.area_count && reply.kind != RFL_MSG_ACTED; next++) {
        struct rfl_ask ask = verb(RFL_MSG_PLACE, "an invented reason, in words");
        ask.code = rfl_view_of(code);
        ask.queue = rfl_view_of(intake_of(demo, from + next));
        if (rfl_client_ask(demo->operator, &ask, ANSWER_MS, &reply) != RFL_E_OK)
            return false;
    }
    return reply.kind == RFL_MSG_ACTED;
}

/* Of three proposals one is sent back, one is approved and goes to another provider, one waits. */
static bool answer_declines(struct demo *demo, const struct codes *codes)
{
    for (uint32_t i = 0; i < codes->count; i++) {
        struct rfl_ask ask = verb(RFL_MSG_SEND_BACK, "an invented reason, in words");
        ask.code = rfl_view_of(codes->code[i]);
        if (i % 3 == 0 && !act(demo, &ask))
            return false;
        if (i % 3 == 1 && !place_elsewhere(demo, codes->code[i], codes->area[i]))
            return false;
        demo->journey.sent_back += i % 3 == 0;
        demo->journey.approved += i % 3 == 1;
    }
    return true;
}

/* Every second person is rung, and agrees. */
static bool release_held(struct demo *demo, const struct codes *codes)
{
    demo->journey.held_for_consent = codes->count;
    for (uint32_t i = 0; i < codes->count; i += 2) {
        struct rfl_ask ask = verb(RFL_MSG_RELEASE, "agreed by phone");
        ask.code = rfl_view_of(codes->code[i]);
        if (!act(demo, &ask))
            return false;
        demo->journey.released++;
    }
    return true;
}

bool demo_desk_afternoon(struct demo *demo)
{
    struct codes *codes = calloc(2, sizeof *codes);
    if (codes == NULL)
        return false;
    codes[0].world = codes[1].world = &demo->world;
    codes[1].hold = "consent";
    bool good = demo_audit_list(demo, RFL_STATUS_DECLINING, NULL, take_code, &codes[0])
        && demo_audit_list(demo, RFL_STATUS_ON_HOLD, NULL, take_code, &codes[1])
        && answer_declines(demo, &codes[0]) && release_held(demo, &codes[1]);
    if (good)
        demo_say("triage: of %u declines %llu sent back, %llu approved and placed; of %u held for consent %llu agreed",
                 codes[0].count, (unsigned long long)demo->journey.sent_back,
                 (unsigned long long)demo->journey.approved, codes[1].count,
                 (unsigned long long)demo->journey.released);
    free(codes);
    return good;
}
