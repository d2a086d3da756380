#include "small_policy.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 24, LINE_MAX = 400, NATIONAL = 1, OLD = 3 };

struct reader {
    struct small_policy *out;
    struct rfl_policy *policy;
    const char *line;
    char text[LINE_MAX];
    char *word[WORDS_MAX];
    unsigned words;
    uint16_t next_queue;
    struct rfl_queue_no intake[4];              /* by area */
    bool no_clock[RFL_CLOCK_COUNT];
};

static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static void must(const struct reader *r, bool good)
{
    if (!good)
        print_error("cannot read: %s\n", r->line);
    assert_true(good);
}

static void taken(const struct reader *r, enum rfl_err err) { must(r, err == RFL_E_OK); }

/* "name=value" -> value, or NULL. */
static const char *value_of(const char *word, const char *name)
{
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static int64_t number(const struct reader *r, const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    must(r, end != text && *end == '\0');
    return value;
}

/* Cuts the first of several values off; false at the end. */
static bool next_value(const char **rest, char separator, char out[64])
{
    size_t len = 0;
    if (**rest == '\0')
        return false;
    while ((*rest)[len] != '\0' && (*rest)[len] != separator)
        len++;
    assert_true(len < 64);
    memcpy(out, *rest, len);
    out[len] = '\0';
    *rest += len + ((*rest)[len] == separator ? 1 : 0);
    return true;
}

static struct rfl_area_no area_named(const struct reader *r, const char *name)
{
    const struct rfl_area *area = rfl_policy_area_by_name(r->policy, view(name));
    must(r, area != NULL || strcmp(name, "*") == 0);
    return area != NULL ? area->id : (struct rfl_area_no){ 0 };
}

static struct rfl_queue_no queue_named(const struct reader *r, const char *name)
{
    const struct rfl_queue *queue = rfl_policy_queue_by_name(r->policy, view(name));
    must(r, queue != NULL);
    return queue->id;
}

/* ---- conditions ---- */

static unsigned word_number(const struct reader *r, enum rfl_field field, const char *text, struct rfl_area_no area)
{
    enum rfl_band band = RFL_BAND_COUNT;
    enum rfl_employment employment = RFL_EMPLOYMENT_COUNT;
    enum rfl_key key = RFL_KEY_COUNT;
    switch ((unsigned)field) {
    case RFL_FIELD_DOOR:
        for (unsigned door = 1; door < RFL_DOOR_COUNT; door++)
            if (strcmp(rfl_door_name((enum rfl_door)door), text) == 0)
                return door;
        break;
    case RFL_FIELD_BAND: must(r, rfl_band_from_word(text, strlen(text), &band)); return band;
    case RFL_FIELD_EMPLOYMENT: must(r, rfl_employment_from_word(text, strlen(text), &employment)); return employment;
    case RFL_FIELD_KEY: must(r, rfl_key_from_word(text, strlen(text), &key)); return key;
    case RFL_FIELD_BARRIER: return (unsigned)number(r, text);
    case RFL_FIELD_PLACE:
        if (strcmp(text, "none") == 0)
            return 0;
        must(r, rfl_policy_place_named(r->policy, area, view(text)) != 0);
        return rfl_policy_place_named(r->policy, area, view(text));
    default: break;
    }
    must(r, false);
    return 0;
}

static void add_range(const struct reader *r, struct rfl_range *range, const char *text)
{
    const char *dots = strstr(text, "..");
    char low[16] = { 0 };
    if (strcmp(text, "unknown") == 0) {
        range->unknown = true;
        return;
    }
    must(r, dots != NULL && dots - text < 16);
    memcpy(low, text, (size_t)(dots - text));
    range->min = (uint16_t)number(r, low);
    range->max = (uint16_t)number(r, dots + 2);
}

static void add_flag(const struct reader *r, struct rfl_condition *c, const char *text)
{
    static const char *const words[] = { "safeguarding", "incident", "interpreter", "step_free" };
    bool clear = text[0] == '!';
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(words[i], text + (clear ? 1 : 0)) != 0)
            continue;
        *(clear ? &c->flags_clear : &c->flags_set) |= (uint8_t)(1u << i);
        return;
    }
    must(r, false);
}

static void add_value(const struct reader *r, struct rfl_condition *c, enum rfl_field field, const char *text,
                      struct rfl_area_no area)
{
    const struct rfl_source *source;
    uint64_t bit = 0;
    if (field == RFL_FIELD_AGE || field == RFL_FIELD_WEEKS) {
        add_range(r, field == RFL_FIELD_AGE ? &c->age : &c->weeks, text);
    } else if (field == RFL_FIELD_FLAGS) {
        add_flag(r, c, text);
    } else if (field == RFL_FIELD_SOURCE) {
        source = rfl_policy_source_by_name(r->policy, view(text));
        must(r, source != NULL);
        c->source[c->source_count++] = source->id;
    } else {
        bit = UINT64_C(1) << word_number(r, field, text, area);
    }
    c->doors |= field == RFL_FIELD_DOOR ? (uint16_t)bit : 0;
    c->bands |= field == RFL_FIELD_BAND ? (uint8_t)bit : 0;
    c->employments |= field == RFL_FIELD_EMPLOYMENT ? (uint8_t)bit : 0;
    c->barriers |= field == RFL_FIELD_BARRIER ? (uint32_t)bit : 0;
    c->keys |= field == RFL_FIELD_KEY ? (uint8_t)bit : 0;
    c->places |= field == RFL_FIELD_PLACE ? bit : 0;
}

static bool add_condition(const struct reader *r, struct rfl_condition *c, const char *word, struct rfl_area_no area)
{
    char value[64];
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        const char *values = value_of(word, rfl_field_word((enum rfl_field)f));
        if (values == NULL)
            continue;
        c->fields |= (uint16_t)(1u << f);
        while (next_value(&values, ',', value))
            add_value(r, c, (enum rfl_field)f, value, area);
        return true;
    }
    return false;
}

/* ---- lines ---- */

/* From word `from` on. Overflow may name queues of later lines, so it is read in a second pass. */
static void read_room(struct reader *r, struct rfl_queue_no id, unsigned from, bool overflow_pass)
{
    struct rfl_queue *queue = &r->policy->queue[r->policy->queue_at[id.v] - 1];
    int64_t closes_ms = RFL_NO_END_MS, capacity = 0;
    struct rfl_queue_no to[RFL_OVERFLOW_MAX];
    unsigned count = 0;
    char name[64];
    for (unsigned i = from; i < r->words; i++) {
        const char *value;
        if ((value = value_of(r->word[i], "opens")) != NULL)
            queue->opens_ms = number(r, value);
        else if ((value = value_of(r->word[i], "closes")) != NULL)
            closes_ms = number(r, value);
        else if ((value = value_of(r->word[i], "capacity")) != NULL)
            capacity = number(r, value);
        else if ((value = value_of(r->word[i], "overflow")) != NULL)
            while (overflow_pass && next_value(&value, ',', name))
                to[count++] = queue_named(r, name);
        else if (strcmp(r->word[i], "no_worker") == 0 && overflow_pass)
            r->out->idle[r->out->idle_count++] = id;
        else
            must(r, strcmp(r->word[i], "no_worker") == 0 || strcmp(r->word[i], "no_owner") == 0);
    }
    taken(r, rfl_policy_set_room(r->policy, id, closes_ms, (uint32_t)capacity, to, count));
}

static struct rfl_queue_no add_queue(struct reader *r, const char *name, struct rfl_area_no area,
                                     enum rfl_queue_kind kind, const char *owner)
{
    struct rfl_queue_no id = { kind == RFL_QUEUE_KIND_NATIONAL ? NATIONAL : r->next_queue++ };
    taken(r, rfl_policy_add_queue(r->policy, &(struct rfl_queue_input){ .id = id, .area = area, .kind = kind,
        .name = view(name), .owner = view(owner), .lead = view("lead") }));
    return id;
}

static void read_queue(struct reader *r, bool overflow_pass)
{
    char area[64];
    const char *rest = r->word[1];
    bool no_owner = false;
    must(r, next_value(&rest, '/', area));
    for (unsigned i = 2; i < r->words; i++)
        no_owner = no_owner || strcmp(r->word[i], "no_owner") == 0;
    if (!overflow_pass)
        (void)add_queue(r, r->word[1], area_named(r, area), RFL_QUEUE_KIND_PROVIDER, no_owner ? "" : "owner");
    read_room(r, queue_named(r, r->word[1]), 2, overflow_pass);
}

static void add_area(struct reader *r, const char *name, uint16_t id, int64_t until_ms)
{
    char intake[32], triage[32], code[8];
    (void)snprintf(intake, sizeof intake, "%s/intake", name);
    (void)snprintf(triage, sizeof triage, "%s/triage", name);
    (void)snprintf(code, sizeof code, "Q%u", (unsigned)id);
    r->intake[id] = (struct rfl_queue_no){ r->next_queue };
    taken(r, rfl_policy_add_area(r->policy, &(struct rfl_area_input){ .id = { id }, .name = view(name),
        .full_name = view(name), .region = view("South"), .until_ms = until_ms, .intake = { r->next_queue },
        .triage = { (uint16_t)(r->next_queue + 1) } }));
    taken(r, rfl_policy_add_alias(r->policy, &(struct rfl_alias_input){ { id }, view(code), 0, until_ms }));
    (void)add_queue(r, intake, (struct rfl_area_no){ id }, RFL_QUEUE_KIND_PROVIDER, "owner");
    (void)add_queue(r, triage, (struct rfl_area_no){ id }, RFL_QUEUE_KIND_TRIAGE, "owner");
}

static void read_area(struct reader *r)
{
    must(r, r->words == 4 && value_of(r->word[2], "until") != NULL && value_of(r->word[3], "to") != NULL);
    int64_t until_ms = number(r, value_of(r->word[2], "until"));
    add_area(r, r->word[1], OLD, until_ms);
    taken(r, rfl_policy_add_successor(r->policy, &(struct rfl_successor_input){ .area = { OLD }, .from_ms = until_ms,
        .to = area_named(r, value_of(r->word[3], "to")) }));
}

static void read_keys(struct reader *r)
{
    const char *rest = r->word[2];
    char word[64];
    uint8_t accepts = 0;
    while (next_value(&rest, ',', word))
        accepts |= (uint8_t)(1u << word_number(r, RFL_FIELD_KEY, word, (struct rfl_area_no){ 0 }));
    taken(r, rfl_policy_set_area_keys(r->policy, area_named(r, r->word[1]), accepts, NULL));
}

static void read_answer(struct reader *r, const char *word, struct rfl_rule_input *in)
{
    in->answer = RFL_ANSWER_NOWHERE;
    if (strncmp(word, "not_yet:", 8) == 0) {
        in->answer = RFL_ANSWER_NOT_YET;
        in->retry_ms = number(r, word + 8);
    } else if (strcmp(word, "nowhere") != 0) {
        in->answer = RFL_ANSWER_TO;
        in->to = queue_named(r, word);
    }
}

static void read_rule(struct reader *r)
{
    struct rfl_rule_input in = { .written = { .name = view(r->word[1]), .owner = view("owner"), .why = view("why") },
                                 .area = area_named(r, r->word[2]), .until_ms = RFL_NO_END_MS };
    unsigned i = 3;
    for (; i < r->words && strcmp(r->word[i], "->") != 0; i++) {
        const char *value;
        if ((value = value_of(r->word[i], "from")) != NULL)
            in.from_ms = number(r, value);
        else if ((value = value_of(r->word[i], "until")) != NULL)
            in.until_ms = number(r, value);
        else if (strcmp(r->word[i], "shadow") == 0)
            in.shadow = true;
        else if (strcmp(r->word[i], "doors_differ") == 0)
            in.doors_differ = true;
        else
            must(r, add_condition(r, &in.when, r->word[i], in.area));
    }
    bool arrow = i + 2 == r->words;
    if (strcmp(r->word[0], "rule") == 0) {
        must(r, arrow);
        read_answer(r, r->word[i + 1], &in);
        taken(r, rfl_policy_add_rule(r->policy, &in));
        return;
    }
    struct rfl_advice_input advice = { .written = in.written, .area = in.area, .from_ms = in.from_ms,
                                       .until_ms = in.until_ms, .when = in.when, .says = view("said") };
    if (arrow)
        advice.to = queue_named(r, r->word[i + 1]);
    taken(r, rfl_policy_add_advice(r->policy, &advice));
}

static void read_line(struct reader *r, unsigned pass)
{
    const char *what = r->word[0];
    enum rfl_clock clock = RFL_CLOCK_COUNT;
    if (strcmp(what, "queue") == 0 && pass < 2)
        read_queue(r, pass == 1);
    else if (strcmp(what, "area") == 0 && pass == 0)
        read_area(r);
    else if (strcmp(what, "intake") == 0 && pass == 1)
        read_room(r, r->intake[area_named(r, r->word[1]).v], 2, true);
    else if (strcmp(what, "keys") == 0 && pass == 1)
        read_keys(r);
    else if (strcmp(what, "no_clock") == 0 && pass == 1)
        r->no_clock[rfl_clock_from_word(r->word[1], strlen(r->word[1]), &clock) ? clock : 0] = true;
    else if ((strcmp(what, "rule") == 0 || strcmp(what, "advice") == 0) && pass == 2)
        read_rule(r);
    else
        must(r, strcmp(what, "queue") == 0 || strcmp(what, "area") == 0 || strcmp(what, "intake") == 0 ||
                strcmp(what, "keys") == 0 || strcmp(what, "rule") == 0 || strcmp(what, "advice") == 0 ||
                strcmp(what, "no_clock") == 0);
}

static void read_lines(struct reader *r, const char *lines, unsigned pass)
{
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");
        assert_true(len < sizeof r->text);
        r->line = lines;
        memcpy(r->text, lines, len);
        r->text[len] = '\0';
        r->words = 0;
        for (char *p = r->text; *p != '\0';) {
            assert_true(r->words < WORDS_MAX);
            r->word[r->words++] = p;
            p += strcspn(p, " ");
            while (*p == ' ')
                *p++ = '\0';
        }
        if (r->words > 0)
            read_line(r, pass);
        lines += len + (lines[len] == '\n' ? 1 : 0);
    }
}

void small_policy_make(const char *lines, struct small_policy *out)
{
    static const struct { const char *name; uint16_t doors; } sources[] = {
        { "gp-feed", 1u << RFL_DOOR_GP }, { "self-page", 1u << RFL_DOOR_SELF },
        { "jc-feed", 1u << RFL_DOOR_JOBCENTRE }, { "hub", 1u << RFL_DOOR_GP | 1u << RFL_DOOR_PHARMACIST } };
    struct reader r = { .out = out, .policy = &out->policy, .line = lines, .next_queue = 10 };
    out->idle_count = 0;
    rfl_policy_init(r.policy);
    (void)add_queue(&r, "national/triage", (struct rfl_area_no){ 0 }, RFL_QUEUE_KIND_NATIONAL, "owner");
    add_area(&r, "kent", 1, RFL_NO_END_MS);
    add_area(&r, "essex", 2, RFL_NO_END_MS);
    struct rfl_view dover = view("D1"), hythe = view("H1");
    taken(&r, rfl_policy_add_place(r.policy, &(struct rfl_place_input){ { 1 }, { 1 }, view("dover"), &dover, 1 }));
    taken(&r, rfl_policy_add_place(r.policy, &(struct rfl_place_input){ { 2 }, { 1 }, view("hythe"), &hythe, 1 }));
    for (unsigned i = 0; i < 4; i++)
        taken(&r, rfl_policy_add_source(r.policy, &(struct rfl_source_input){ .id = { (uint16_t)(i + 1) },
            .name = view(sources[i].name), .doors = sources[i].doors }));
    for (unsigned pass = 0; pass < 3; pass++)
        read_lines(&r, lines, pass);
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        if (!r.no_clock[i])
            taken(&r, rfl_policy_set_clock(r.policy, (enum rfl_clock)i, 3600000));
    taken(&r, rfl_calendar_init(rfl_policy_calendar_edit(r.policy), 2026, 2026));
    taken(&r, rfl_calendar_hours(rfl_policy_calendar_edit(r.policy), RFL_MONDAY, 540, 1020));
    taken(&r, rfl_calendar_finish(rfl_policy_calendar_edit(r.policy)));
    taken(&r, rfl_policy_compile(r.policy));
}

bool small_policy_has_worker(void *ctx, struct rfl_queue_no queue)
{
    const struct small_policy *small = ctx;
    for (uint32_t i = 0; i < small->idle_count; i++)
        if (small->idle[i].v == queue.v)
            return false;
    return true;
}
