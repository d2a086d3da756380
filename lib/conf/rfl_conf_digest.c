#include "rfl_conf_load.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The canonical text is never kept: it goes into the hash as it is made. Every number takes eight bytes, little-endian,
 * every text its length and then its bytes, so no two policies share one text. */
struct sink { crypto_generichash_state *state; };

static void put_number(struct sink *sink, int64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    (void)crypto_generichash_update(sink->state, bytes, sizeof bytes);
}

static void put_view(struct sink *sink, struct rfl_view view)
{
    put_number(sink, (int64_t)view.len);
    (void)crypto_generichash_update(sink->state, view.p, view.len);
}

static void put_text(struct sink *sink, const struct rfl_policy *policy, struct rfl_text text)
{
    put_view(sink, rfl_policy_text(policy, text));
}

static void put_code(struct sink *sink, const char code[RFL_CODE_BYTES])
{
    (void)crypto_generichash_update(sink->state, (const uint8_t *)code, RFL_CODE_BYTES);
}

static void put_clocks(struct sink *sink, const int64_t clock_ms[RFL_CLOCK_COUNT])
{
    for (unsigned i = 0; i < RFL_CLOCK_COUNT; i++)
        put_number(sink, clock_ms[i]);
}

static void put_rules(struct sink *sink, const struct rfl_policy *policy)
{
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        put_number(sink, policy->precedence[i]);
    put_number(sink, policy->hops_max);
    put_number(sink, policy->offers_max);
    put_number(sink, policy->touches_max);
    put_number(sink, policy->implied_doors);
    put_number(sink, policy->national_triage.v);
    put_clocks(sink, policy->clock_ms);
}

static void put_journey(struct sink *sink, const struct rfl_policy *policy)
{
    put_number(sink, policy->quiet_ms);
    put_number(sink, policy->ageing_ms);
    put_number(sink, policy->attempts_min);
    put_number(sink, policy->channels_min);
    put_number(sink, policy->outcome_ms);
    put_number(sink, policy->place_doors);
    put_number(sink, policy->protected_doors);
    for (unsigned i = 0; i < RFL_RETENTION_COUNT; i++) {
        put_number(sink, policy->kept[i].days);
        put_text(sink, policy, policy->kept[i].why);
    }
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++) {
        put_number(sink, policy->door_share[door]);
        put_number(sink, policy->notify[door]);
        for (unsigned row = 0; row < RFL_DISCLOSED_COUNT; row++) {
            const struct rfl_disclosure *cell = &policy->disclosure[row][door];
            put_number(sink, cell->tell);
            put_number(sink, cell->provider);
            put_number(sink, cell->reason);
        }
    }
}

static void put_calendar(struct sink *sink, const struct rfl_calendar *cal)
{
    put_number(sink, cal->first_year);
    put_number(sink, cal->last_year);
    for (unsigned i = 0; i < RFL_WEEKDAYS; i++) {
        put_number(sink, cal->open_min[i]);
        put_number(sink, cal->close_min[i]);
    }
    struct rfl_view holidays = { cal->holiday, (size_t)cal->day_count };
    put_view(sink, holidays);
}

static void put_area(struct sink *sink, const struct rfl_policy *policy, const struct rfl_area *area)
{
    put_number(sink, area->id.v);
    put_text(sink, policy, area->name);
    put_text(sink, policy, area->full_name);
    put_text(sink, policy, area->region);
    put_number(sink, area->from_ms);
    put_number(sink, area->until_ms);
    put_number(sink, area->intake.v);
    put_number(sink, area->triage.v);
    put_number(sink, area->accepts);
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        put_number(sink, area->precedence[i]);
    put_number(sink, area->successor_count);
    for (uint32_t i = 0; i < area->successor_count; i++) {
        const struct rfl_successor *successor = rfl_policy_successor(policy, area, i);
        put_number(sink, successor->to.v);
        put_number(sink, successor->from_ms);
        put_number(sink, successor->sub_count);
        for (uint32_t j = 0; j < successor->sub_count; j++)
            put_code(sink, policy->sub_code[successor->sub_first + j]);
    }
}

static void put_queue(struct sink *sink, const struct rfl_policy *policy, const struct rfl_queue *queue)
{
    put_number(sink, queue->id.v);
    put_number(sink, queue->area.v);
    put_number(sink, queue->kind);
    put_text(sink, policy, queue->name);
    put_text(sink, policy, queue->owner);
    put_text(sink, policy, queue->lead);
    put_number(sink, queue->opens_ms);
    put_clocks(sink, queue->clock_ms);
    put_number(sink, queue->closes_ms);
    put_number(sink, queue->capacity);
    put_number(sink, queue->overflow_count);
    for (unsigned i = 0; i < queue->overflow_count; i++)
        put_number(sink, queue->overflow[i].v);
}

/* The order of an area's places means nothing outside the policy, but inside it numbers them. */
static void put_places(struct sink *sink, const struct rfl_policy *policy)
{
    put_number(sink, policy->place_count);
    for (uint32_t i = 0; i < policy->place_count; i++) {
        const struct rfl_place *place = &policy->place[i];
        put_number(sink, place->id.v);
        put_number(sink, place->area.v);
        put_text(sink, policy, place->name);
        put_number(sink, place->code_count);
        for (uint32_t j = 0; j < place->code_count; j++)
            put_code(sink, policy->place_code[place->code_first + j]);
    }
}

static void put_condition(struct sink *sink, const struct rfl_condition *c)
{
    const int64_t numbers[] = { c->fields, c->doors, c->bands, c->employments, c->keys, c->barriers, c->age.min,
        c->age.max, c->age.unknown, c->weeks.min, c->weeks.max, c->weeks.unknown, c->flags_set, c->flags_clear,
        (int64_t)c->places, c->source_count };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        put_number(sink, numbers[i]);
    for (unsigned i = 0; i < c->source_count; i++)
        put_number(sink, c->source[i].v);
}

/* Not in which file and line it stands: a comment more above it changes nothing. */
static void put_written(struct sink *sink, const struct rfl_policy *policy, const struct rfl_written *written)
{
    put_text(sink, policy, written->name);
    put_text(sink, policy, written->owner);
    put_text(sink, policy, written->why);
}

static void put_routes(struct sink *sink, const struct rfl_policy *policy)
{
    put_places(sink, policy);
    put_number(sink, policy->rule_count);
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rfl_rule *rule = &policy->rule[i];
        const int64_t numbers[] = { rule->area.v, rule->from_ms, rule->until_ms, rule->answer, rule->shadow,
                                    rule->doors_differ, rule->to.v, rule->retry_ms };
        put_written(sink, policy, &rule->written);
        put_condition(sink, &rule->when);
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
            put_number(sink, numbers[n]);
    }
    put_number(sink, policy->advice_count);
    for (uint32_t i = 0; i < policy->advice_count; i++) {
        const struct rfl_advice *advice = &policy->advice[i];
        put_written(sink, policy, &advice->written);
        put_condition(sink, &advice->when);
        put_text(sink, policy, advice->says);
        put_number(sink, advice->area.v);
        put_number(sink, advice->from_ms);
        put_number(sink, advice->until_ms);
        put_number(sink, advice->to.v);
    }
}

static void put_source(struct sink *sink, const struct rfl_policy *policy, const struct rfl_source *source)
{
    put_number(sink, source->id.v);
    put_text(sink, policy, source->name);
    put_number(sink, source->doors);
    put_number(sink, source->area.v);
    put_code(sink, source->sub_icb);
}

static int by_code(const void *a, const void *b)
{
    const struct rfl_jobcentre *one = a, *two = b;
    return memcmp(one->code, two->code, RFL_CODE_BYTES);
}

static void put_jobcentres(struct sink *sink, const struct rfl_policy *policy)
{
    struct rfl_jobcentre sorted[RFL_POLICY_JOBCENTRES_MAX];
    memcpy(sorted, policy->jobcentre, policy->jobcentre_count * sizeof sorted[0]);
    qsort(sorted, policy->jobcentre_count, sizeof sorted[0], by_code);
    put_number(sink, policy->jobcentre_count);
    for (uint32_t i = 0; i < policy->jobcentre_count; i++) {
        put_code(sink, sorted[i].code);
        put_number(sink, sorted[i].area.v);
        put_code(sink, sorted[i].sub_icb);
    }
}

/* Things with an id go in the order of their ids, aliases in the compiled order (code, date). */
enum rfl_err rfl__conf_digest(const struct rfl_policy *policy, struct rfl_hash *out)
{
    /* The state wants 64-byte alignment, which the sanitizer's stand-in for the stack does not keep. */
    struct sink sink = { aligned_alloc(64, (sizeof(crypto_generichash_state) + 63) / 64 * 64) };
    if (sink.state == NULL)
        return RFL_E_MEMORY;
    (void)crypto_generichash_init(sink.state, NULL, 0, sizeof out->b);
    put_rules(&sink, policy);
    put_journey(&sink, policy);
    put_calendar(&sink, &policy->calendar);
    for (uint32_t id = 1; id <= UINT16_MAX; id++) {
        const struct rfl_area *area = rfl_policy_area(policy, (struct rfl_area_no){ (uint16_t)id });
        const struct rfl_queue *queue = rfl_policy_queue(policy, (struct rfl_queue_no){ (uint16_t)id });
        const struct rfl_source *source = rfl_policy_source(policy, (struct rfl_source_no){ (uint16_t)id });
        put_number(&sink, (area != NULL ? 1 : 0) + (queue != NULL ? 2 : 0) + (source != NULL ? 4 : 0));
        if (area != NULL)
            put_area(&sink, policy, area);
        if (queue != NULL)
            put_queue(&sink, policy, queue);
        if (source != NULL)
            put_source(&sink, policy, source);
    }
    put_number(&sink, policy->alias_count);
    for (uint32_t i = 0; i < policy->alias_count; i++) {
        put_code(&sink, policy->alias[i].code);
        put_number(&sink, policy->alias[i].area.v);
        put_number(&sink, policy->alias[i].from_ms);
        put_number(&sink, policy->alias[i].until_ms);
    }
    put_jobcentres(&sink, policy);
    put_routes(&sink, policy);
    (void)crypto_generichash_final(sink.state, out->b, sizeof out->b);
    free(sink.state);
    return RFL_E_OK;
}
