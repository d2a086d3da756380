/* What an area says of its own: keys it takes, places, rules, advice, the room of its queues. */
#include "rfl_policy.h"
#include "rfl_policy_index.h"

enum { FLAGS_ALL = RFL_FLAG_SAFEGUARDING | RFL_FLAG_INCIDENT | RFL_FLAG_INTERPRETER | RFL_FLAG_STEP_FREE,
       BARRIER_MAX = 18 };

/* ---- queues and areas ---- */

enum rfl_err rfl_policy_set_room(struct rfl_policy *policy, struct rfl_queue_no id, int64_t closes_ms,
                                 uint32_t capacity, const struct rfl_queue_no *overflow, uint32_t overflow_count)
{
    uint16_t at = policy->queue_at[id.v];
    if (policy->compiled)
        return RFL_E_STATE;
    if (at == 0 || policy->queue[at - 1].kind != RFL_QUEUE_KIND_PROVIDER ||
        closes_ms <= policy->queue[at - 1].opens_ms || overflow_count > RFL_OVERFLOW_MAX)
        return RFL_E_INVALID;
    for (uint32_t i = 0; i < overflow_count; i++) {
        if (overflow[i].v == 0 || overflow[i].v == id.v)
            return RFL_E_INVALID;
        for (uint32_t j = 0; j < i; j++)
            if (overflow[j].v == overflow[i].v)
                return RFL_E_INVALID;
    }
    struct rfl_queue *queue = &policy->queue[at - 1];
    queue->closes_ms = closes_ms;
    queue->capacity = capacity;
    queue->overflow_count = (uint8_t)overflow_count;
    for (uint32_t i = 0; i < RFL_OVERFLOW_MAX; i++)
        queue->overflow[i].v = i < overflow_count ? overflow[i].v : 0;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_area_keys(struct rfl_policy *policy, struct rfl_area_no id, uint8_t accepts,
                                      const enum rfl_key *precedence)
{
    uint16_t at = policy->area_at[id.v];
    if (policy->compiled)
        return RFL_E_STATE;
    if (at == 0 || accepts >> RFL_KEY_COUNT != 0 || (precedence != NULL && !rfl__keys_complete(precedence)))
        return RFL_E_INVALID;
    struct rfl_area *area = &policy->area[at - 1];
    area->accepts = accepts;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        area->precedence[i] = precedence != NULL ? (uint8_t)precedence[i] : i == 0 ? RFL_KEY_COUNT : 0;
    return RFL_E_OK;
}

static bool text_is(const struct rfl_policy *policy, struct rfl_text text, struct rfl_view is)
{
    return text.len == is.len && (is.len == 0 || memcmp(policy->text + text.at, is.p, is.len) == 0);
}

enum rfl_err rfl_policy_add_place(struct rfl_policy *policy, const struct rfl_place_input *in)
{
    char code[RFL_CODE_BYTES];
    if (policy->compiled)
        return RFL_E_STATE;
    if (in->id.v == 0 || in->area.v == 0 || !rfl__name_ok(in->name, false) || in->sub_icb_count == 0)
        return RFL_E_INVALID;
    for (uint32_t i = 0; i < in->sub_icb_count; i++)
        if (!rfl__code_from_view(in->sub_icbs[i], code))
            return RFL_E_INVALID;
    if (rfl_policy_place(policy, in->id) != NULL || rfl_policy_place_named(policy, in->area, in->name) != 0)
        return RFL_E_EXISTS;
    if (policy->place_count == RFL_PLACES_MAX || !rfl__pool_has_room(policy, in->name.len) ||
        in->sub_icb_count > RFL_POLICY_SUB_CODES_MAX - policy->place_code_count)
        return RFL_E_FULL;
    struct rfl_place *place = &policy->place[policy->place_count++];
    memset(place, 0, sizeof *place);
    place->id = in->id;
    place->area = in->area;
    place->name = rfl__pool_put(policy, in->name);
    place->code_first = (uint16_t)policy->place_code_count;
    place->code_count = (uint16_t)in->sub_icb_count;
    for (uint32_t i = 0; i < in->sub_icb_count; i++)
        (void)rfl__code_from_view(in->sub_icbs[i], policy->place_code[policy->place_code_count++]);
    return RFL_E_OK;
}

/* ---- rules and advice ---- */

static bool range_ok(bool constrained, const struct rfl_range *range, uint16_t highest)
{
    if (!constrained)
        return range->min == 0 && range->max == 0 && !range->unknown;
    return range->min <= range->max && range->max <= highest && (range->max > 0 || range->unknown);
}

/* A set of values 0 .. count - 1: not empty when the field is constrained, empty otherwise. */
static bool set_ok(bool constrained, uint64_t set, unsigned count)
{
    return (set != 0) == constrained && (count == 64 || set >> count == 0);
}

static bool sources_ok(bool constrained, const struct rfl_condition *c)
{
    if (c->source_count > RFL_RULE_SOURCES_MAX || (c->source_count != 0) != constrained)
        return false;
    for (unsigned i = 0; i < RFL_RULE_SOURCES_MAX; i++)
        if ((c->source[i].v != 0) != (i < c->source_count))
            return false;
    return true;
}

static bool condition_ok(const struct rfl_condition *c)
{
    bool has[RFL_FIELD_COUNT];
    for (unsigned i = 0; i < RFL_FIELD_COUNT; i++)
        has[i] = (c->fields >> i & 1) != 0;
    return c->fields >> RFL_FIELD_COUNT == 0 && set_ok(has[RFL_FIELD_DOOR], c->doors, RFL_DOOR_COUNT) &&
           (c->doors & 1u << RFL_DOOR_NONE) == 0 && set_ok(has[RFL_FIELD_BAND], c->bands, RFL_BAND_COUNT) &&
           set_ok(has[RFL_FIELD_EMPLOYMENT], c->employments, RFL_EMPLOYMENT_COUNT) &&
           set_ok(has[RFL_FIELD_BARRIER], c->barriers, BARRIER_MAX + 1) &&
           set_ok(has[RFL_FIELD_KEY], c->keys, RFL_KEY_COUNT) &&
           set_ok(has[RFL_FIELD_PLACE], c->places, RFL_PLACES_PER_AREA_MAX + 1) &&
           range_ok(has[RFL_FIELD_AGE], &c->age, UINT8_MAX) && range_ok(has[RFL_FIELD_WEEKS], &c->weeks, UINT16_MAX) &&
           (c->flags_set & c->flags_clear) == 0 && ((c->flags_set | c->flags_clear) & ~FLAGS_ALL) == 0 &&
           ((c->flags_set | c->flags_clear) != 0) == has[RFL_FIELD_FLAGS] && sources_ok(has[RFL_FIELD_SOURCE], c);
}

static bool written_ok(const struct rfl_written_input *in)
{
    return rfl__name_ok(in->name, false) && rfl__text_ok(in->owner, 1) && rfl__text_ok(in->why, 1) &&
           rfl__text_ok(in->file, 0);
}

static size_t written_bytes(const struct rfl_written_input *in)
{
    return in->name.len + in->owner.len + in->why.len + in->file.len;
}

/* Neighbours are written in one file and often have one owner: `before` lends its texts. */
static void write_down(struct rfl_policy *policy, const struct rfl_written *before, const struct rfl_written_input *in,
                       struct rfl_written *out)
{
    out->name = rfl__pool_put(policy, in->name);
    out->why = rfl__pool_put(policy, in->why);
    out->owner = before != NULL && text_is(policy, before->owner, in->owner) ? before->owner
                                                                             : rfl__pool_put(policy, in->owner);
    out->file = before != NULL && text_is(policy, before->file, in->file) ? before->file
                                                                          : rfl__pool_put(policy, in->file);
    out->line = in->line;
}

static bool answer_ok(const struct rfl_rule_input *in)
{
    return in->answer > RFL_ANSWER_NONE && in->answer < RFL_ANSWER_COUNT &&
           (in->to.v != 0) == (in->answer == RFL_ANSWER_TO) &&
           (in->answer == RFL_ANSWER_NOT_YET ? in->retry_ms > in->from_ms : in->retry_ms == 0);
}

enum rfl_err rfl_policy_add_rule(struct rfl_policy *policy, const struct rfl_rule_input *in)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (!written_ok(&in->written) || !condition_ok(&in->when) || !answer_ok(in) || in->from_ms < 0 ||
        in->until_ms <= in->from_ms)
        return RFL_E_INVALID;
    for (uint32_t i = 0; i < policy->rule_count; i++)
        if (policy->rule[i].area.v == in->area.v && text_is(policy, policy->rule[i].written.name, in->written.name))
            return RFL_E_EXISTS;
    if (policy->rule_count == RFL_RULES_MAX || !rfl__pool_has_room(policy, written_bytes(&in->written)))
        return RFL_E_FULL;
    uint32_t at = policy->rule_count++;
    struct rfl_rule *rule = &policy->rule[at];
    memset(rule, 0, sizeof *rule);
    write_down(policy, at > 0 ? &policy->rule[at - 1].written : NULL, &in->written, &rule->written);
    rule->area = in->area;
    rule->from_ms = in->from_ms;
    rule->until_ms = in->until_ms;
    rule->when = in->when;
    rule->answer = (uint8_t)in->answer;
    rule->shadow = in->shadow;
    rule->doors_differ = in->doors_differ;
    rule->to = in->to;
    rule->retry_ms = in->retry_ms;
    return RFL_E_OK;
}

/* a-z 0-9 and inner underscores: it goes into messages and tables as it is. */
static bool word_ok(struct rfl_view word)
{
    if (word.len == 0 || word.len > RFL_NAME_BYTES_MAX || word.p[0] == '_' || word.p[word.len - 1] == '_')
        return false;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

enum rfl_err rfl_policy_add_advice(struct rfl_policy *policy, const struct rfl_advice_input *in)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (!written_ok(&in->written) || !condition_ok(&in->when) || !word_ok(in->says) || in->from_ms < 0 ||
        in->until_ms <= in->from_ms)
        return RFL_E_INVALID;
    for (uint32_t i = 0; i < policy->advice_count; i++)
        if (policy->advice[i].area.v == in->area.v &&
            text_is(policy, policy->advice[i].written.name, in->written.name))
            return RFL_E_EXISTS;
    if (policy->advice_count == RFL_ADVICE_MAX ||
        !rfl__pool_has_room(policy, written_bytes(&in->written) + in->says.len))
        return RFL_E_FULL;
    uint32_t at = policy->advice_count++;
    struct rfl_advice *advice = &policy->advice[at];
    memset(advice, 0, sizeof *advice);
    write_down(policy, at > 0 ? &policy->advice[at - 1].written : NULL, &in->written, &advice->written);
    advice->area = in->area;
    advice->from_ms = in->from_ms;
    advice->until_ms = in->until_ms;
    advice->when = in->when;
    advice->says = rfl__pool_put(policy, in->says);
    advice->to = in->to;
    return RFL_E_OK;
}

/* ---- compiling ---- */

/* By area, and within an area as they were added; insertion, because files are written area by area. */
static void index_places(struct rfl_policy *policy)
{
    for (uint32_t i = 1; i < policy->place_count; i++) {
        struct rfl_place moving = policy->place[i];
        uint32_t at = i;
        for (; at > 0 && policy->place[at - 1].area.v > moving.area.v; at--)
            policy->place[at] = policy->place[at - 1];
        policy->place[at] = moving;
    }
    for (uint32_t i = policy->place_count; i-- > 0;) {
        const struct rfl_place *place = &policy->place[i];
        uint16_t at = policy->area_at[place->area.v];
        if (at != 0) {
            policy->area[at - 1].place_first = (uint16_t)i;
            policy->area[at - 1].place_count++;
        }
    }
    for (uint32_t i = 0; i < policy->place_count; i++) {
        const struct rfl_place *place = &policy->place[i];
        for (uint32_t j = place->code_first; j < place->code_first + (uint32_t)place->code_count; j++) {
            policy->place_of_code[j] = (uint16_t)i;
            rfl__slot_put(policy->place_slot, RFL__SLOTS(policy->place_slot), rfl__hash_code(policy->place_code[j]),
                          j);
        }
    }
}

void rfl__compile_rules(struct rfl_policy *policy)
{
    index_places(policy);
    for (uint32_t i = policy->rule_count; i-- > 0;) {
        uint16_t at = policy->area_at[policy->rule[i].area.v];
        uint16_t *first = at != 0 ? &policy->area[at - 1].rule_first : &policy->rule_first;
        if (at == 0 && policy->rule[i].area.v != 0)
            continue;                           /* rfl_policy_check will say so */
        policy->rule_next[i] = *first;
        *first = (uint16_t)(i + 1);
    }
    for (uint32_t i = policy->advice_count; i-- > 0;) {
        uint16_t at = policy->area_at[policy->advice[i].area.v];
        uint16_t *first = at != 0 ? &policy->area[at - 1].advice_first : &policy->advice_first;
        if (at == 0 && policy->advice[i].area.v != 0)
            continue;
        policy->advice_next[i] = *first;
        *first = (uint16_t)(i + 1);
    }
}

/* ---- reading ---- */

unsigned rfl_policy_place_of_code(const struct rfl_policy *policy, const struct rfl_area *area,
                                  const char code[RFL_CODE_BYTES])
{
    uint32_t mask = RFL__SLOTS(policy->place_slot) - 1, i = rfl__hash_code(code) & mask;
    assert(policy->compiled);
    for (; code[0] != '\0' && policy->place_slot[i] != 0; i = (i + 1) & mask) {
        uint32_t at = policy->place_slot[i] - 1u, place = policy->place_of_code[at];
        if (policy->place[place].area.v == area->id.v && rfl__code_same(policy->place_code[at], code))
            return place - area->place_first + 1;
    }
    return 0;
}

unsigned rfl_policy_place_named(const struct rfl_policy *policy, struct rfl_area_no area, struct rfl_view name)
{
    unsigned number = 0;
    for (uint32_t i = 0; i < policy->place_count; i++) {
        if (policy->place[i].area.v != area.v)
            continue;
        number++;
        if (text_is(policy, policy->place[i].name, name))
            return number;
    }
    return 0;
}

const struct rfl_place *rfl_policy_place_at(const struct rfl_policy *policy, const struct rfl_area *area,
                                            unsigned number)
{
    return number != 0 && number <= area->place_count ? &policy->place[area->place_first + number - 1] : NULL;
}

const struct rfl_place *rfl_policy_place(const struct rfl_policy *policy, struct rfl_place_no id)
{
    for (uint32_t i = 0; i < policy->place_count; i++)
        if (policy->place[i].id.v == id.v)
            return &policy->place[i];
    return NULL;
}

struct rfl_policy_walk rfl_policy_rules_of(const struct rfl_policy *policy, const struct rfl_area *area)
{
    return (struct rfl_policy_walk){ policy->rule_next, area->rule_first, policy->rule_first };
}

struct rfl_policy_walk rfl_policy_advice_of(const struct rfl_policy *policy, const struct rfl_area *area)
{
    return (struct rfl_policy_walk){ policy->advice_next, area->advice_first, policy->advice_first };
}

uint32_t rfl_policy_walk_next(struct rfl_policy_walk *walk)
{
    uint16_t *from = walk->own == 0 || (walk->all != 0 && walk->all < walk->own) ? &walk->all : &walk->own;
    uint32_t number = *from;
    if (number != 0)
        *from = walk->next[number - 1];
    return number;
}
