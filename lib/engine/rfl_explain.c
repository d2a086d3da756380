/* What rules and rooms had to do with a decision: tried again under the policy that made it, in words. */
#include "rfl_engine_int.h"
#include "rfl_counterfactual.h"

#include <stdio.h>

enum { TRIED_MAX = 200, DIFFER_MAX = 64, SAID_BYTES = 200 };

/* Policies of the archive are lent for a moment: whatever is said of them is copied. */
static struct rfl_view text_of(struct rfl_engine *e, const struct rfl_policy *policy, struct rfl_text text)
{
    struct rfl_view view = rfl_policy_text(policy, text);
    return rfl__copy(e, view.p, view.len);
}

static struct rfl_view queue_of(struct rfl_engine *e, const struct rfl_policy *policy, struct rfl_queue_no number)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, number);
    return queue != NULL ? text_of(e, policy, queue->name) : rfl__literal("");
}

static struct rfl_view said(struct rfl_engine *e, const char *text) { return rfl__copy(e, text, strlen(text)); }

/* ---- values of fields, in words ---- */

static void flags_text(unsigned flags, char *out, size_t size)
{
    static const struct { unsigned flag; const char *word; } words[] = {
        { RFL_FLAG_SAFEGUARDING, "safeguarding" }, { RFL_FLAG_INCIDENT, "incident" },
        { RFL_FLAG_INTERPRETER, "interpreter" }, { RFL_FLAG_STEP_FREE, "step_free" } };
    size_t len = 0;
    (void)snprintf(out, size, "none");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if ((flags & words[i].flag) != 0 && len < size)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? " and " : "", words[i].word);
}

static void name_text(const struct rfl_policy *policy, struct rfl_text text, char *out, size_t size)
{
    struct rfl_view view = rfl_policy_text(policy, text);
    (void)snprintf(out, size, "%.*s", (int)view.len, (const char *)view.p);
}

static void number_text(unsigned value, char *out, size_t size)
{
    if (value == 0)
        (void)snprintf(out, size, "not known");
    else
        (void)snprintf(out, size, "%u", value);
}

static void value_text(const struct rfl_policy *policy, const struct rfl_area *area, enum rfl_field field,
                       unsigned value, char *out, size_t size)
{
    const struct rfl_place *place = field == RFL_FIELD_PLACE && area != NULL && value != 0
                                        ? rfl_policy_place_at(policy, area, value) : NULL;
    const struct rfl_source *source = field == RFL_FIELD_SOURCE
                                          ? rfl_policy_source(policy, (struct rfl_source_no){ (uint16_t)value }) : NULL;
    switch (field) {
    case RFL_FIELD_DOOR: (void)snprintf(out, size, "%s", rfl_door_name((enum rfl_door)value)); return;
    case RFL_FIELD_BAND: (void)snprintf(out, size, "%s", rfl_band_word((enum rfl_band)value)); return;
    case RFL_FIELD_EMPLOYMENT:
        (void)snprintf(out, size, "%s", rfl_employment_word((enum rfl_employment)value));
        return;
    case RFL_FIELD_BARRIER: case RFL_FIELD_AGE: case RFL_FIELD_WEEKS: number_text(value, out, size); return;
    case RFL_FIELD_FLAGS: flags_text(value, out, size); return;
    case RFL_FIELD_KEY: (void)snprintf(out, size, "%s", rfl_key_word((enum rfl_key)value)); return;
    case RFL_FIELD_PLACE:
        (void)snprintf(out, size, "not known");
        if (place != NULL)
            name_text(policy, place->name, out, size);
        return;
    case RFL_FIELD_SOURCE:
        (void)snprintf(out, size, "none");
        if (source != NULL)
            name_text(policy, source->name, out, size);
        return;
    case RFL_FIELD_COUNT: break;
    }
    out[0] = '\0';
}

static unsigned value_of(const struct rfl_profile *p, enum rfl_field field)
{
    switch (field) {
    case RFL_FIELD_DOOR: return p->door;
    case RFL_FIELD_BAND: return p->band;
    case RFL_FIELD_EMPLOYMENT: return p->employment;
    case RFL_FIELD_BARRIER: return p->barrier;
    case RFL_FIELD_AGE: return p->age_years;
    case RFL_FIELD_WEEKS: return p->weeks_out_of_work;
    case RFL_FIELD_FLAGS: return p->flags;
    case RFL_FIELD_KEY: return p->key;
    case RFL_FIELD_PLACE: return p->place;
    case RFL_FIELD_SOURCE: return p->source.v;
    case RFL_FIELD_COUNT: break;
    }
    return 0;
}

/* ---- what was tried ---- */

struct trying { struct rfl_engine *e; const struct rfl_policy *policy; int64_t at_ms;
                struct rfl_tried_row *rows; uint32_t count;
                struct rfl_tried tried[TRIED_MAX]; };

static void note(void *ctx, const struct rfl_tried *tried)
{
    struct trying *t = ctx;
    if (t->count < TRIED_MAX)
        t->tried[t->count++] = *tried;
}

static struct rfl_view not_in_force(struct trying *t, const struct rfl_tried *tried)
{
    unsigned at = tried->number - 1u;
    int64_t from_ms = tried->advice ? t->policy->advice[at].from_ms : t->policy->rule[at].from_ms;
    int64_t until_ms = tried->advice ? t->policy->advice[at].until_ms : t->policy->rule[at].until_ms;
    int64_t day_ms = tried->advice ? 0 : t->policy->rule[at].retry_ms;
    if (day_ms != 0 && day_ms < until_ms)       /* "not yet" says nothing more on its day, and may have no other end */
        until_ms = day_ms;
    bool early = t->at_ms < from_ms;
    struct rfl_date date = rfl_london_date(early ? from_ms : until_ms);
    char text[SAID_BYTES];
    (void)snprintf(text, sizeof text, "%s %04d-%02d-%02d", early ? "not in force before" : "over since",
                   (int)date.year, date.month, date.day);
    return said(t->e, text);
}

static void fill_tried(struct trying *t, const struct rfl_profile *profile, const struct rfl_area *area, uint32_t i)
{
    const struct rfl_tried *tried = &t->tried[i];
    struct rfl_tried_row *row = &t->rows[i];
    const struct rfl_written *written = tried->advice ? &t->policy->advice[tried->number - 1].written
                                                      : &t->policy->rule[tried->number - 1].written;
    char value[SAID_BYTES / 2], text[SAID_BYTES];
    *row = (struct rfl_tried_row){ .name = text_of(t->e, t->policy, written->name),
                                   .owner = text_of(t->e, t->policy, written->owner),
                                   .file = text_of(t->e, t->policy, written->file), .line = written->line,
                                   .advice = tried->advice,
                                   .shadow = !tried->advice && t->policy->rule[tried->number - 1].shadow,
                                   .holds = tried->in_force && tried->unmet == RFL_FIELD_COUNT };
    if (!tried->in_force) {
        row->unmet = not_in_force(t, tried);
    } else if (tried->unmet != RFL_FIELD_COUNT) {
        value_text(t->policy, area, tried->unmet, value_of(profile, tried->unmet), value, sizeof value);
        (void)snprintf(text, sizeof text, "%s is %s", rfl_field_word(tried->unmet), value);
        row->unmet = said(t->e, text);
    }
}

/* ---- what would have made a difference ---- */

static void change_text(const struct rfl_policy *policy, const struct rfl_counterfactual *c, char out[SAID_BYTES])
{
    char value[SAID_BYTES / 2] = "none";
    const struct rfl_place *place = rfl_policy_place(policy, c->place);
    const struct rfl_area *area = rfl_policy_area(policy, c->area);
    const struct rfl_queue *room = rfl_policy_queue(policy, c->room);
    const char *key = rfl_key_word((enum rfl_key)c->key);
    struct rfl_date date = rfl_london_date(c->at_ms);
    switch ((enum rfl_change)c->change) {
    case RFL_CHANGE_FIELD:
        value_text(policy, NULL, (enum rfl_field)c->field, c->value, value, sizeof value);
        (void)snprintf(out, SAID_BYTES, "%s were %s", rfl_field_word((enum rfl_field)c->field), value);
        return;
    case RFL_CHANGE_PLACE:
        (void)snprintf(value, sizeof value, "not known");
        if (place != NULL)
            name_text(policy, place->name, value, sizeof value);
        (void)snprintf(out, SAID_BYTES, "place by %s were %s", key, value);
        return;
    case RFL_CHANGE_ROOM:
        if (room != NULL)
            name_text(policy, room->name, value, sizeof value);
        (void)snprintf(out, SAID_BYTES, "%s had room", value);
        return;
    case RFL_CHANGE_MOMENT:
        (void)snprintf(out, SAID_BYTES, "it came on %04d-%02d-%02d", (int)date.year, date.month, date.day);
        return;
    case RFL_CHANGE_KEY_ABSENT: (void)snprintf(out, SAID_BYTES, "%s were not supplied", key); return;
    case RFL_CHANGE_KEY_AREA:
        if (area != NULL)
            name_text(policy, area->name, value, sizeof value);
        (void)snprintf(out, SAID_BYTES, "%s were in %s", key, value);
        return;
    case RFL_CHANGE_COUNT: break;
    }
    out[0] = '\0';
}

static void fill_differ(struct rfl_engine *e, const struct rfl_policy *policy, const struct rfl_facts *facts,
                        int64_t at_ms, struct rfl_msg_explained *out)
{
    struct rfl_counterfactual found[DIFFER_MAX];
    struct rfl_differ_row *rows = rfl_arena_take(&e->arena, DIFFER_MAX * sizeof *rows);
    uint32_t all = rfl_counterfactual(policy, facts, at_ms, found, DIFFER_MAX);
    for (uint32_t i = 0; rows != NULL && i < all && i < DIFFER_MAX; i++) {
        char text[SAID_BYTES];
        change_text(policy, &found[i], text);
        rows[i] = (struct rfl_differ_row){ said(e, text), queue_of(e, policy, found[i].queue) };
        out->differ_count++;
    }
    out->differ = rows;
    out->differ_all = all;
}

/* ---- all of it ---- */

static void fill_room(struct rfl_engine *e, const struct rfl_policy *policy, const struct rfl_facts *facts,
                      const struct rfl_decision *decision, struct rfl_msg_explained *out)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, decision->queue);
    struct rfl_view *full = rfl_arena_take(&e->arena, RFL_FULL_MAX * sizeof *full);
    struct rfl_queue_row row;
    for (uint32_t i = 0; full != NULL && i < facts->full_count && i < RFL_FULL_MAX; i++)
        full[out->full_count++] = queue_of(e, policy, facts->full[i]);
    out->full = full;
    if (queue == NULL)
        return;
    out->capacity = queue->capacity;
    rfl__queue_row(e, queue, &row);
    out->people = row.waiting + row.working;
}

static bool same_decision(const struct rfl_decision *a, const struct rfl_decision *b)
{
    return a->verdict == b->verdict && a->reason == b->reason && a->area.v == b->area.v && a->queue.v == b->queue.v &&
           a->place.v == b->place.v && a->rule == b->rule && a->advice == b->advice && a->shadow == b->shadow;
}

void rfl__explain_rules(struct rfl_engine *e, const struct rfl_policy *policy, const struct rfl_decided *decided,
                        int64_t at_ms, bool counterfactual, struct rfl_msg_explained *out)
{
    const struct rfl_decision *d = &decided->decision;
    if (policy == NULL) {
        out->again = rfl__literal("policy_not_kept");
        return;
    }
    struct trying *t = rfl_arena_take(&e->arena, sizeof *t);
    struct rfl_tried_row *rows = rfl_arena_take(&e->arena, TRIED_MAX * sizeof *rows);
    if (t == NULL || rows == NULL)
        return;
    *t = (struct trying){ .e = e, .policy = policy, .at_ms = at_ms, .rows = rows };
    const struct rfl_watch watch = { note, t };
    struct rfl_decision again;
    struct rfl_profile profile = { 0 };
    rfl_route_watched(policy, &decided->facts, at_ms, &watch, &again);
    if (!out->hypothetical)
        out->again = rfl__literal(same_decision(d, &again) ? "same" : "differs");
    if (again.area.v != 0 && again.key < RFL_KEY_COUNT)
        rfl_profile_of(policy, &decided->facts, again.area, (enum rfl_key)again.key, &profile);
    for (uint32_t i = 0; i < t->count; i++)
        fill_tried(t, &profile, rfl_policy_area(policy, again.area), i);
    out->tried = rows;
    out->tried_count = t->count;
    const struct rfl_place *place = rfl_policy_place(policy, d->place);
    if (place != NULL)
        out->place = text_of(e, policy, place->name);
    if (d->rule != 0 && d->rule <= policy->rule_count)
        out->rule = text_of(e, policy, policy->rule[d->rule - 1].written.name);
    if (d->advice != 0 && d->advice <= policy->advice_count)
        out->advice = text_of(e, policy, policy->advice[d->advice - 1].says);
    if (d->shadow != 0 && d->shadow <= policy->rule_count) {
        out->shadow = text_of(e, policy, policy->rule[d->shadow - 1].written.name);
        out->shadow_queue = queue_of(e, policy, d->shadow_queue);
    }
    fill_room(e, policy, &decided->facts, d, out);
    if (counterfactual)
        fill_differ(e, policy, &decided->facts, at_ms, out);
}
