/* What a command makes happen. The heart is one property over a complete small space: a command is refused and nothing
 * happens, or its events apply cleanly one after another, end in a sound case, and survive the log. */
#include "core_case.h"

#include <stdio.h>

#include "rfl_disclose.h"
#include "rfl_record.h"

static struct rfl_policy *policy, *short_policy;
static const struct rfl_now now = { NOW_MS, 1000 };

static int set_up(void **state)
{
    (void)state;
    policy = core_policy(2029);
    short_policy = core_policy(2026);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(policy);
    free(short_policy);
    return 0;
}

static void policy_of_these_tests_is_sound(void **state)
{
    (void)state;
    assert_int_equal(rfl_policy_check(policy, NULL, NULL), 0);
}

/* ---- the property ---- */

static bool same_submission(const struct rfl_submission *a, const struct rfl_submission *b)
{
    return a->id.v == b->id.v && rfl_hash_same(a->reference, b->reference) && rfl_hash_same(a->body, b->body) &&
           memcmp(a->match, b->match, sizeof a->match) == 0 && a->door == b->door && a->consent == b->consent &&
           a->notify == b->notify;
}

static bool same_event(const struct rfl_event *a, const struct rfl_event *b)
{
    return a->kind == b->kind && a->clock == b->clock && a->due_ms == b->due_ms &&
           a->accept_by_ms == b->accept_by_ms && a->since_ms == b->since_ms && a->queue.v == b->queue.v &&
           a->area.v == b->area.v && rfl_token_same(a->token, b->token) && a->holder == b->holder &&
           a->reason == b->reason && a->code == b->code && a->level == b->level && a->band == b->band &&
           a->half_ms == b->half_ms && a->most_ms == b->most_ms && a->until_ms == b->until_ms &&
           a->other.v == b->other.v && a->referral.v == b->referral.v && a->told == b->told &&
           a->upto == b->upto && rfl_hash_same(a->digest, b->digest) &&
           same_submission(&a->submission, &b->submission);
}

/* An event keeps in the log everything that applying it needs: live and rebuilt reach one state. */
static void expect_survives_the_log(const struct rfl_entry *entry)
{
    uint8_t bytes[RFL_ENTRY_CLEAR_BYTES_MAX], before[32] = { 7 }, prev[32];
    struct rfl_entry back;
    size_t len = rfl_entry_encode(entry, before, bytes, sizeof bytes);
    assert_true(len > 0);
    must(rfl_entry_decode((struct rfl_view){ bytes, len }, &back, prev));
    assert_int_equal(back.event_count, entry->event_count);
    for (uint32_t i = 0; i < entry->event_count; i++)
        assert_true(same_event(&entry->events[i], &back.events[i]));
}

static struct { unsigned walked, refused[RFL_E_EXISTS + 1], done; bool seen[RFL_EVENT_COUNT]; } figures;

static void expect_whole_or_nothing(const struct rfl_policy *under, const struct rfl_case *before,
                                    const struct rfl_command *command)
{
    struct rfl_case kept, after;
    struct rfl_events events;
    memcpy(&kept, before, sizeof kept);
    memset(&events, 0x5A, sizeof events);
    enum rfl_err err = rfl_decide(under, before, command, &now, &events);
    assert_memory_equal(&kept, before, sizeof kept);
    figures.walked++;
    if (err != RFL_E_OK) {
        assert_int_equal(events.count, 0);
        assert_true(err == RFL_E_FENCED || err == RFL_E_STATE || err == RFL_E_INVALID);
        figures.refused[err]++;
        return;
    }
    struct rfl_entry entry = entry_at(NOW_MS);
    assert_in_range(events.count, 1, RFL_EVENTS_PER_COMMAND_MAX);
    entry.event_count = events.count;
    memcpy(entry.events, events.list, events.count * sizeof events.list[0]);
    after = *before;
    for (uint32_t i = 0; i < events.count; i++) {
        enum rfl_err applied = rfl_apply(&after, &events.list[i], &entry, &after);
        if (applied != RFL_E_OK)
            fail_msg("%s in %s: event %u, %s: %s", rfl_command_word(command->kind),
                     rfl_status_word((enum rfl_status)before->status), i,
                     rfl_event_kind_word((enum rfl_event_kind)events.list[i].kind), rfl_err_name(applied));
        figures.seen[events.list[i].kind] = true;
    }
    must(rfl_apply_done(&after, &entry));
    assert_null(rfl_case_broken(&after));
    assert_int_equal(after.version, before->version + 1);
    assert_true(after.clock == RFL_CLOCK_NONE || after.due_ms > 0);
    assert_true(rfl_owner_of(under, &after, NOW_MS).len > 0);
    expect_survives_the_log(&entry);
    figures.done++;
}

/* Every value that a decision may depend on, one or two on each side of each border. */
static void walk_arguments(const struct rfl_policy *under, const struct rfl_case *before, struct rfl_command command)
{
    static const uint16_t targets[] = { N_INTAKE, S_INTAKE, N_SECOND, E_INTAKE, L_INTAKE, N_TRIAGE, NATIONAL,
                                        NO_SUCH_QUEUE };
    static const int64_t untils[] = { 0, NOW_MS, NOW_MS + 1, NOW_MS + 40 * HOUR_MS, INT64_MAX };
    struct rfl_decision decision = { .reason = RFL_ROUTE_REASON_BY_POSTCODE };
    command.decision = &decision;
    command.submission = (struct rfl_submission){ .id = { before->last_referral.v + 1 }, .door = RFL_DOOR_EMPLOYER };
    switch (command.kind) {
    case RFL_DO_RECEIVE:
        for (unsigned t = 0; t < sizeof targets / sizeof targets[0]; t++)
            for (unsigned consent = 0; consent < RFL_CONSENT_COUNT; consent++)
                for (unsigned door = 0; door < RFL_DOOR_COUNT; door++) {
                    decision.queue.v = targets[t];
                    command.submission.consent = (uint8_t)consent;
                    command.submission.door = (uint8_t)door;
                    command.band = (uint8_t)(door % RFL_BAND_COUNT);
                    expect_whole_or_nothing(under, before, &command);
                }
        return;
    case RFL_DO_REDIRECT:
        for (unsigned t = 0; t < sizeof targets / sizeof targets[0]; t++)
            for (unsigned reason = 0; reason <= RFL_DECLINE_COUNT; reason++) {
                command.target.v = targets[t];
                command.reason = (uint8_t)reason;
                expect_whole_or_nothing(under, before, &command);
            }
        return;
    case RFL_DO_PLACE: case RFL_DO_RELEASE: case RFL_DO_AMEND: case RFL_DO_REHOME:
        for (unsigned t = 0; t < sizeof targets / sizeof targets[0]; t++)
            for (unsigned how = 0; how < 8; how++) {
                decision.queue.v = command.target.v = targets[t];
                command.override_no = (how & 1) != 0;
                command.target_held = (how & 2) != 0;
                command.submission.id = before->first_referral;
                command.submission.consent = (how & 4) != 0 ? RFL_CONSENT_GIVEN : RFL_CONSENT_NOT_GIVEN;
                command.decision = t == 0 && command.kind != RFL_DO_REHOME ? NULL : &decision;
                decision.verdict = (how & 4) != 0 ? RFL_ROUTE_NOT_YET : RFL_ROUTE_TO;
                decision.retry_ms = command.until_ms = (how & 4) != 0 ? NOW_MS + HOUR_MS / 2 : 0;
                expect_whole_or_nothing(under, before, &command);
            }
        return;
    case RFL_DO_DEFER: case RFL_DO_HOLD:
        for (unsigned i = 0; i < sizeof untils / sizeof untils[0]; i++) {
            command.until_ms = untils[i];
            expect_whole_or_nothing(under, before, &command);
        }
        return;
    case RFL_DO_OFFER: case RFL_DO_ACCEPT: case RFL_DO_DECLINE: case RFL_DO_TOUCH: case RFL_DO_CONTACT:
    case RFL_DO_START: case RFL_DO_OUTCOME: case RFL_DO_CLOSE: case RFL_DO_RETURN: case RFL_DO_EXPIRE:
    case RFL_DO_WITHDRAW: case RFL_DO_RESEMBLE: case RFL_DO_SEND_BACK: case RFL_DO_SHUT: case RFL_DO_LINK:
    case RFL_DO_UNLINK: case RFL_DO_FOLLOW: case RFL_DO_ERASE: case RFL_DO_KEEP: case RFL_DO_UNKEEP:
    case RFL_DO_REVEAL:
        for (unsigned word = 0; word < 12; word++) {
            command.reason = command.code = (uint8_t)word;
            command.reached = word % 2 == 1;
            command.submission.id = word % 4 == 3 ? (struct rfl_referral_id){ 0 } : before->first_referral;
            command.other.v = word % 5 == 4 ? 0 : CASE + word % 3;
            command.others_stand = word % 7 == 6;
            command.consent_gone = word % 2 == 1;
            command.all_in_error = word % 2 == 0;
            command.lease_ms = word % 3 == 0 ? 0 : 5000;
            command.until_ms = word % 3 == 0 ? 0 : NOW_MS + word % 3 - 1;
            expect_whole_or_nothing(under, before, &command);
        }
        return;
    case RFL_DO_COUNT: break;
    }
    fail_msg("command %d has no arguments here", (int)command.kind);
}

static void walk_commands(const struct rfl_policy *under, const struct rfl_case *before)
{
    static const uint64_t holders[] = { HOLDER, HOLDER + 1 };
    const struct rfl_token tokens[] = { { 2, 9 }, { 2, 8 }, { 1, 9 }, { 3, 1 } };
    for (unsigned kind = RFL_DO_RECEIVE; kind < RFL_DO_COUNT; kind++)
        for (unsigned h = 0; h < 2; h++)
            for (unsigned t = 0; t < (kind == RFL_DO_RECEIVE ? 1 - h : 4); t++)
                walk_arguments(under, before, (struct rfl_command){ .kind = (enum rfl_command_kind)kind,
                                                                    .holder = holders[h], .token = tokens[t] });
}

static void walk_budgets(const struct rfl_policy *under, struct rfl_case kase)
{
    static const uint8_t levels[] = { 0, 1, 3, UINT8_MAX };
    for (unsigned l = 0; l < sizeof levels; l++)
        for (unsigned n = 0; n < 4; n++) {      /* below, at and above each budget, all of them together */
            struct rfl_case varied = kase;
            varied.escalation = levels[l];
            varied.hops = varied.lapses = varied.touches = (uint8_t)n;
            varied.declined_count = (uint8_t)(n == 3 ? RFL_DECLINED_BY_MAX : n);
            for (unsigned i = 0; i < varied.declined_count; i++)
                varied.declined_by[i].v = (uint16_t)(n == 2 ? N_SECOND : 500 + i);
            bool may_escalate = varied.status != RFL_STATUS_NONE && varied.status != RFL_STATUS_CLOSED &&
                                varied.status != RFL_STATUS_OFFERED;
            if (levels[l] > 0 && may_escalate)
                varied.clock = RFL_CLOCK_ESCALATED;
            walk_commands(under, &varied);
            if (varied.due_ms == 0)
                continue;
            varied.due_ms = NOW_MS + 1;         /* not over yet */
            walk_commands(under, &varied);
        }
}

/* With warnings to come, resting on another case, resembling one, and with everything tried. */
static void walk_overlays(struct rfl_case kase)
{
    struct rfl_case varied = kase;
    if (kase.status == RFL_STATUS_NONE)
        return;
    varied.resembles.v = CASE + 2;
    varied.tries = 7;
    varied.tried_channels = 1 << RFL_CHANNEL_PHONE | 1 << RFL_CHANNEL_LETTER;
    walk_commands(policy, &varied);
    varied.kept = 1;
    walk_commands(policy, &varied);
    varied.kept = 0;
    if (kase.status == RFL_STATUS_CLOSED) {
        varied.resembles.v = 0;
        varied.erased = 1;
        walk_commands(policy, &varied);
        return;
    }
    varied.due_ms = NOW_MS + 30 * HOUR_MS;
    varied.accept_by_ms = varied.due_ms;
    varied.half_ms = NOW_MS - HOUR_MS;
    varied.most_ms = NOW_MS + HOUR_MS;
    walk_commands(policy, &varied);
    varied.most_ms = NOW_MS;
    walk_commands(policy, &varied);
    varied.warned = 1;
    walk_commands(policy, &varied);
    varied.linked_to.v = CASE + 1;
    walk_commands(policy, &varied);
    varied.withdrawn_count = varied.referral_count = 3;     /* nothing stands any more */
    walk_commands(policy, &varied);
}

static void every_command_in_every_case_is_refused_or_whole(void **state)
{
    (void)state;
    memset(&figures, 0, sizeof figures);
    for (unsigned st = 0; st < RFL_STATUS_COUNT; st++) {
        struct rfl_case kase = case_in((enum rfl_status)st);
        if (st == RFL_STATUS_RECEIVED)
            continue;                           /* never stored */
        walk_budgets(policy, kase);
        if (st == RFL_STATUS_ON_HOLD) {
            kase.hold = RFL_HOLD_CONSENT;
            kase.clock = RFL_CLOCK_CONSENT;
            kase.since_ms = kase.accept_by_ms = 0;
            walk_budgets(policy, kase);
            kase.hold = RFL_HOLD_PARKED;
            kase.clock = RFL_CLOCK_PARKED;
            walk_budgets(policy, kase);
            kase.clock = RFL_CLOCK_HOLD;
            kase.hold = RFL_HOLD_DO_NOT_CONTACT;
            walk_budgets(policy, kase);
            kase.hold = RFL_HOLD_OPERATOR;
            walk_budgets(policy, kase);
        }
        walk_overlays(case_in((enum rfl_status)st));
        kase = case_in((enum rfl_status)st);
        kase.queue.v = st == RFL_STATUS_NONE ? 0 : NO_SUCH_QUEUE;       /* the policy changed since */
        kase.area.v = st == RFL_STATUS_NONE ? 0 : 99;
        walk_budgets(policy, kase);
    }
    print_message("%u commands: %u done, %u fenced, %u not in this status, %u invalid\n", figures.walked, figures.done,
                  figures.refused[RFL_E_FENCED], figures.refused[RFL_E_STATE], figures.refused[RFL_E_INVALID]);
    for (unsigned ev = RFL_EVENT_RECEIVED; ev < RFL_EVENT_COUNT; ev++) {
        bool of_a_case = ev != RFL_EVENT_MAILBOX_ACKED && ev != RFL_EVENT_EPOCH_STARTED &&
                         ev != RFL_EVENT_POLICY_LOADED && ev != RFL_EVENT_QUEUE_SET;
        assert_int_equal(figures.seen[ev], of_a_case);          /* the walk came by everything there is */
    }
}

static void every_command_is_whole_although_the_calendar_has_ended(void **state)
{
    (void)state;
    static const struct rfl_now late = { NOW_MS + INT64_C(400) * 24 * HOUR_MS, 1 };
    for (unsigned st = RFL_STATUS_TRIAGE; st < RFL_STATUS_CLOSED; st++) {
        struct rfl_case kase = case_in((enum rfl_status)st), after;
        struct rfl_command command = { .kind = RFL_DO_EXPIRE };
        struct rfl_events events;
        struct rfl_entry entry = entry_at(late.wall_ms);
        must(rfl_decide(short_policy, &kase, &command, &late, &events));
        after = kase;
        for (uint32_t i = 0; i < events.count; i++)
            must(rfl_apply(&after, &events.list[i], &entry, &after));
        assert_null(rfl_case_broken(&after));
        if (st != RFL_STATUS_OFFERED)           /* back in its queue it has the deadline it had */
            assert_in_range(after.due_ms, late.wall_ms + 1, late.wall_ms + INT64_C(400) * 24 * HOUR_MS);
    }
}

/* ---- single rules ---- */

/* Decides and applies; the case afterwards. */
static struct rfl_case done(const struct rfl_case *before, struct rfl_command command, const struct rfl_now *at)
{
    struct rfl_events events;
    struct rfl_case after = *before;
    struct rfl_entry entry = entry_at(at->wall_ms);
    must(rfl_decide(policy, before, &command, at, &events));
    for (uint32_t i = 0; i < events.count; i++)
        must(rfl_apply(&after, &events.list[i], &entry, &after));
    must(rfl_apply_done(&after, &entry));
    return after;
}

static struct rfl_command verb(enum rfl_command_kind kind)
{
    return (struct rfl_command){ .kind = kind, .token = { 2, 9 }, .holder = HOLDER, .reason = 1, .code = 1,
                                 .target = { S_INTAKE }, .until_ms = NOW_MS + HOUR_MS };
}

static enum rfl_err refused(const struct rfl_case *before, struct rfl_command command)
{
    struct rfl_events events;
    enum rfl_err err = rfl_decide(policy, before, &command, &now, &events);
    assert_int_equal(events.count, 0);
    return err;
}

static int64_t due(uint16_t queue, enum rfl_clock clock, int64_t from_ms)
{
    int64_t due_ms;
    must(rfl_policy_due(policy, (struct rfl_queue_no){ queue }, clock, from_ms, &due_ms));
    return due_ms;
}

static void stale_token_and_other_holder_are_fenced_in_every_status(void **state)
{
    (void)state;
    for (unsigned st = 0; st < RFL_STATUS_COUNT; st++)
        for (unsigned kind = RFL_DO_ACCEPT; kind <= RFL_DO_RETURN; kind++) {
            struct rfl_case kase = case_in((enum rfl_status)st);
            struct rfl_command command = verb((enum rfl_command_kind)kind);
            command.token.seq = 8;
            assert_int_equal(refused(&kase, command), RFL_E_FENCED);
            command.token = (struct rfl_token){ 1, 9 };
            assert_int_equal(refused(&kase, command), RFL_E_FENCED);
            command.token = (struct rfl_token){ 0, 0 };
            assert_int_equal(refused(&kase, command), RFL_E_FENCED);
            command = verb((enum rfl_command_kind)kind);
            command.holder++;
            if (st != RFL_STATUS_CLOSED)        /* late outcomes: whoever still has the token */
                assert_int_equal(refused(&kase, command), RFL_E_FENCED);
            if (!is_held_by_worker((enum rfl_status)st) && st != RFL_STATUS_CLOSED)
                assert_int_equal(refused(&kase, verb((enum rfl_command_kind)kind)), RFL_E_FENCED);
        }
}

static void redirect_counts_a_hop_and_goes_to_the_end_of_the_other_queue(void **state)
{
    (void)state;
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    kase.escalation = 1;
    struct rfl_case after = done(&kase, verb(RFL_DO_REDIRECT), &now);
    assert_int_equal(after.status, RFL_STATUS_QUEUED);
    assert_int_equal(after.queue.v, S_INTAKE);
    assert_int_equal(after.area.v, SOUTH);
    assert_int_equal(after.hops, 1);
    assert_int_equal(after.since_ms, NOW_MS);
    assert_int_equal(after.escalation, 0);
    assert_int_equal(after.declined_by[0].v, N_INTAKE);
    assert_int_equal(after.due_ms, due(S_INTAKE, RFL_CLOCK_ACCEPT, NOW_MS));
    assert_int_equal(after.accept_by_ms, after.due_ms);
}

static void hop_over_the_budget_or_back_to_a_no_goes_to_the_lead_of_the_areas_triage(void **state)
{
    (void)state;
    for (unsigned hops = 0; hops < 4; hops++)
        for (unsigned said_no = 0; said_no < 2; said_no++) {
            struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
            kase.hops = (uint8_t)hops;
            kase.declined_count = (uint8_t)said_no;
            kase.declined_by[0].v = said_no ? S_INTAKE : 0;
            struct rfl_case after = done(&kase, verb(RFL_DO_REDIRECT), &now);
            bool triage = hops >= 2 || said_no;
            assert_int_equal(after.status, triage ? RFL_STATUS_TRIAGE : RFL_STATUS_QUEUED);
            assert_int_equal(after.queue.v, triage ? N_TRIAGE : S_INTAKE);
            assert_int_equal(after.due_ms, due(after.queue.v, triage ? RFL_CLOCK_TRIAGE : RFL_CLOCK_ACCEPT, NOW_MS));
            assert_int_equal(after.escalation, triage);
        }
}

static void redirect_goes_only_to_another_providers_open_queue(void **state)
{
    (void)state;
    static const uint16_t bad[] = { N_INTAKE, N_TRIAGE, S_TRIAGE, NATIONAL, NO_SUCH_QUEUE, 0, E_INTAKE, L_INTAKE };
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rfl_command command = verb(RFL_DO_REDIRECT);
        command.target.v = bad[i];
        assert_int_equal(refused(&kase, command), RFL_E_INVALID);
    }
}

static void lapses_count_up_to_parking(void **state)
{
    (void)state;
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    struct rfl_command expire = { .kind = RFL_DO_EXPIRE };
    for (unsigned lapse = 1; lapse <= 3; lapse++) {
        struct rfl_case after = done(&kase, expire, &now);
        assert_int_equal(after.lapses, lapse);
        assert_int_equal(after.status, lapse < 3 ? RFL_STATUS_QUEUED : RFL_STATUS_ON_HOLD);
        assert_int_equal(after.hold, lapse < 3 ? RFL_HOLD_NONE : RFL_HOLD_PARKED);
        assert_int_equal(after.clock, lapse < 3 ? RFL_CLOCK_ACCEPT : RFL_CLOCK_PARKED);
        assert_int_equal(after.due_ms, lapse < 3 ? kase.accept_by_ms : due(N_INTAKE, RFL_CLOCK_PARKED, NOW_MS));
        assert_int_equal(after.since_ms, kase.since_ms);
        kase.lapses = (uint8_t)lapse;
    }
    struct rfl_case parked = done(&kase, expire, &now);
    assert_true(parked.hold == RFL_HOLD_PARKED);
    struct rfl_view owner = rfl_owner_of(policy, &parked, NOW_MS);
    assert_int_equal(owner.len, 4);
    assert_memory_equal(owner.p, "desk", 4);
}

/* The deadline for a yes is not started anew by an offer that came to nothing, escalated or not. */
static void offers_and_returns_do_not_postpone_an_escalation(void **state)
{
    (void)state;
    struct rfl_case kase = case_in(RFL_STATUS_QUEUED);
    struct rfl_case late = done(&kase, (struct rfl_command){ .kind = RFL_DO_EXPIRE }, &now);
    assert_int_equal(late.escalation, 1);
    assert_int_equal(late.status, RFL_STATUS_QUEUED);
    assert_int_equal(late.since_ms, kase.since_ms);
    int64_t escalated_due_ms = due(N_INTAKE, RFL_CLOCK_ESCALATED, NOW_MS);
    assert_int_equal(late.due_ms, escalated_due_ms);
    for (unsigned i = 1; i < 4; i++) {
        struct rfl_now later = { NOW_MS + (int64_t)i * 600000, 0 };
        struct rfl_command offer = { .kind = RFL_DO_OFFER, .token = { 3, i }, .holder = HOLDER };
        struct rfl_command back = { .kind = RFL_DO_RETURN, .token = { 3, i }, .holder = HOLDER };
        struct rfl_case offered = done(&late, offer, &later);
        assert_int_equal(offered.clock, RFL_CLOCK_LEASE);
        assert_int_equal(offered.due_ms, due(N_INTAKE, RFL_CLOCK_LEASE, later.wall_ms));
        late = done(&offered, back, &later);
        assert_int_equal(late.clock, RFL_CLOCK_ESCALATED);
        assert_int_equal(late.due_ms, escalated_due_ms);
        assert_int_equal(late.lapses, 0);
    }
    struct rfl_now over = { escalated_due_ms, 0 };
    assert_int_equal(done(&late, (struct rfl_command){ .kind = RFL_DO_EXPIRE }, &over).escalation, 2);
}

static void silence_escalates_level_by_level_and_somebody_else_is_asked_each_time(void **state)
{
    (void)state;
    static const enum rfl_status waiting[] = { RFL_STATUS_TRIAGE, RFL_STATUS_QUEUED, RFL_STATUS_DECLINING,
                                               RFL_STATUS_ACCEPTED, RFL_STATUS_WAITING_ON_PERSON, RFL_STATUS_ACTIVE };
    for (unsigned i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        struct rfl_case kase = case_in(waiting[i]);
        struct rfl_now at = now;
        struct rfl_command expire = { .kind = RFL_DO_EXPIRE };
        assert_int_equal(rfl_owner_of(policy, &kase, at.wall_ms).len, waiting[i] == RFL_STATUS_TRIAGE ||
                                                                      waiting[i] == RFL_STATUS_DECLINING ? 4 : 12);
        for (unsigned level = 1; level <= 300; level++) {
            kase = done(&kase, expire, &at);
            assert_int_equal(kase.status, waiting[i]);
            assert_int_equal(kase.clock, RFL_CLOCK_ESCALATED);
            assert_int_equal(kase.escalation, level < UINT8_MAX ? level : UINT8_MAX);
            assert_int_equal(kase.due_ms, due(kase.queue.v, RFL_CLOCK_ESCALATED, at.wall_ms));
            at.wall_ms = kase.due_ms;
        }
        struct rfl_view lead = rfl_owner_of(policy, &kase, at.wall_ms);
        assert_int_equal(lead.len, sizeof "head of national" - 1);
        assert_memory_equal(lead.p, "head of national", lead.len);
    }
}

static void clock_that_is_not_over_changes_nothing(void **state)
{
    (void)state;
    for (unsigned st = 0; st < RFL_STATUS_COUNT; st++) {
        struct rfl_case kase = case_in((enum rfl_status)st);
        kase.due_ms = kase.due_ms == 0 ? 0 : NOW_MS + 1;
        assert_int_equal(refused(&kase, (struct rfl_command){ .kind = RFL_DO_EXPIRE }), RFL_E_STATE);
    }
}

static void hold_that_ends_returns_to_the_same_place_in_the_queue(void **state)
{
    (void)state;
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    struct rfl_case held = done(&kase, verb(RFL_DO_DEFER), &now);
    assert_int_equal(held.status, RFL_STATUS_ON_HOLD);
    assert_int_equal(held.hold, RFL_HOLD_DEFERRED);
    assert_int_equal(held.due_ms, NOW_MS + HOUR_MS);
    assert_int_equal(held.holder, 0);
    struct rfl_now over = { NOW_MS + HOUR_MS, 0 };
    struct rfl_case back = done(&held, (struct rfl_command){ .kind = RFL_DO_EXPIRE }, &over);
    assert_int_equal(back.status, RFL_STATUS_QUEUED);
    assert_int_equal(back.queue.v, N_INTAKE);
    assert_int_equal(back.since_ms, kase.since_ms);
    assert_int_equal(back.due_ms, due(N_INTAKE, RFL_CLOCK_ACCEPT, over.wall_ms));
    held.area.v = ENDED;                        /* while it was held its area ended: somebody decides */
    held.queue.v = E_INTAKE;
    back = done(&held, (struct rfl_command){ .kind = RFL_DO_EXPIRE }, &over);
    assert_int_equal(back.status, RFL_STATUS_TRIAGE);
    assert_int_equal(back.queue.v, N_TRIAGE);
}

static void deferral_ends_within_the_hold_clock(void **state)
{
    (void)state;
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    struct rfl_command command = verb(RFL_DO_DEFER);
    command.until_ms = due(N_INTAKE, RFL_CLOCK_HOLD, NOW_MS);
    assert_int_equal(done(&kase, command, &now).due_ms, command.until_ms);
    command.until_ms++;
    assert_int_equal(refused(&kase, command), RFL_E_INVALID);
    command.until_ms = NOW_MS;
    assert_int_equal(refused(&kase, command), RFL_E_INVALID);
    command.until_ms = INT64_MIN;
    assert_int_equal(refused(&kase, command), RFL_E_INVALID);
}

static void consent_holds_until_a_later_referral_brings_it(void **state)
{
    (void)state;
    const struct rfl_decision decision = { .queue = { N_INTAKE }, .area = { NORTH },
                                           .reason = RFL_ROUTE_REASON_BY_POSTCODE };
    struct rfl_command command = { .kind = RFL_DO_RECEIVE, .decision = &decision, .band = RFL_BAND_ROUTINE,
        .submission = { .id = { FIRST }, .door = RFL_DOOR_EMPLOYER, .consent = RFL_CONSENT_NOT_GIVEN } };
    struct rfl_case none = case_in(RFL_STATUS_NONE);
    struct rfl_case held = done(&none, command, &now);
    assert_int_equal(held.status, RFL_STATUS_ON_HOLD);
    assert_int_equal(held.hold, RFL_HOLD_CONSENT);
    assert_int_equal(held.due_ms, due(N_INTAKE, RFL_CLOCK_CONSENT, NOW_MS));
    struct rfl_now later = { NOW_MS + HOUR_MS, 0 };
    command.submission.id.v++;
    command.submission.consent = RFL_CONSENT_IMPLIED;           /* not enough from an employer */
    struct rfl_case joined = done(&held, command, &later);
    assert_int_equal(joined.hold, RFL_HOLD_CONSENT);
    assert_int_equal(joined.due_ms, held.due_ms);
    command.submission.id.v++;
    command.submission.door = RFL_DOOR_GP;                      /* enough from a practice */
    struct rfl_case released = done(&joined, command, &later);
    assert_int_equal(released.status, RFL_STATUS_QUEUED);
    assert_int_equal(released.queue.v, N_INTAKE);
    assert_int_equal(released.since_ms, NOW_MS);                /* its place is that of the first knock */
    assert_int_equal(released.due_ms, due(N_INTAKE, RFL_CLOCK_ACCEPT, later.wall_ms));
    assert_int_equal(released.referral_count, 3);
    /* The hold's clock never releases: it asks somebody. */
    struct rfl_now over = { held.due_ms, 0 };
    struct rfl_case asked = done(&held, (struct rfl_command){ .kind = RFL_DO_EXPIRE }, &over);
    assert_int_equal(asked.status, RFL_STATUS_ON_HOLD);
    assert_int_equal(asked.escalation, 1);
}

static void closed_case_takes_no_referral_and_only_outcomes(void **state)
{
    (void)state;
    const struct rfl_decision decision = { .queue = { N_INTAKE } };
    struct rfl_case closed = case_in(RFL_STATUS_CLOSED);
    struct rfl_command receive = { .kind = RFL_DO_RECEIVE, .decision = &decision,
                                   .submission = { .id = { FIRST + 1 } } };
    assert_int_equal(refused(&closed, receive), RFL_E_STATE);
    for (unsigned kind = RFL_DO_ACCEPT; kind <= RFL_DO_RETURN; kind++)
        if (kind != RFL_DO_OUTCOME)
            assert_int_equal(refused(&closed, verb((enum rfl_command_kind)kind)), RFL_E_STATE);
    struct rfl_case after = done(&closed, verb(RFL_DO_OUTCOME), &now);
    assert_int_equal(after.status, RFL_STATUS_CLOSED);
    assert_int_equal(after.outcome, 1);
    assert_int_equal(after.due_ms, 0);
}

static void touch_stops_at_its_budget(void **state)
{
    (void)state;
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    struct rfl_command touch = verb(RFL_DO_TOUCH);
    kase = done(&kase, touch, &now);
    assert_int_equal(kase.due_ms, due(N_INTAKE, RFL_CLOCK_LEASE, NOW_MS));
    touch.lease_ms = 5000;
    kase = done(&kase, touch, &now);
    assert_int_equal(kase.due_ms, NOW_MS + 5000);
    assert_int_equal(kase.touches, 2);
    assert_int_equal(refused(&kase, touch), RFL_E_STATE);
}

static void journey_deadlines_are_the_policys(void **state)
{
    (void)state;
    static const struct { enum rfl_status status, after; enum rfl_command_kind kind; enum rfl_clock clock; } rows[] = {
        { RFL_STATUS_OFFERED, RFL_STATUS_ACCEPTED, RFL_DO_ACCEPT, RFL_CLOCK_CONTACT },
        { RFL_STATUS_OFFERED, RFL_STATUS_DECLINING, RFL_DO_DECLINE, RFL_CLOCK_DECLINE },
        { RFL_STATUS_ACCEPTED, RFL_STATUS_WAITING_ON_PERSON, RFL_DO_CONTACT, RFL_CLOCK_FOLLOW_UP },
        { RFL_STATUS_WAITING_ON_PERSON, RFL_STATUS_WAITING_ON_PERSON, RFL_DO_CONTACT, RFL_CLOCK_FOLLOW_UP },
        { RFL_STATUS_ACTIVE, RFL_STATUS_ACTIVE, RFL_DO_CONTACT, RFL_CLOCK_OUTCOME_LATER },
        { RFL_STATUS_ACCEPTED, RFL_STATUS_ACTIVE, RFL_DO_START, RFL_CLOCK_OUTCOME_FIRST },
        { RFL_STATUS_WAITING_ON_PERSON, RFL_STATUS_ACTIVE, RFL_DO_START, RFL_CLOCK_OUTCOME_FIRST },
        { RFL_STATUS_ACTIVE, RFL_STATUS_ACTIVE, RFL_DO_OUTCOME, RFL_CLOCK_OUTCOME_LATER } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_case kase = case_in(rows[i].status);
        struct rfl_command command = verb(rows[i].kind);
        command.reached = true;
        struct rfl_case after = done(&kase, command, &now);
        assert_int_equal(after.status, rows[i].after);
        assert_int_equal(after.clock, rows[i].clock);
        assert_int_equal(after.due_ms, due(N_INTAKE, rows[i].clock, NOW_MS));
    }
    struct rfl_case kase = case_in(RFL_STATUS_ACCEPTED);
    struct rfl_case tried = done(&kase, verb(RFL_DO_CONTACT), &now);
    assert_int_equal(tried.due_ms, kase.due_ms);        /* an attempt is counted and postpones nothing */
    assert_int_equal(tried.contacts, 1);
}

static void words_that_are_not_in_their_list_are_refused(void **state)
{
    (void)state;
    static const struct { enum rfl_command_kind kind; enum rfl_status status; uint8_t count; } rows[] = {
        { RFL_DO_DECLINE, RFL_STATUS_OFFERED, RFL_DECLINE_COUNT },
        { RFL_DO_REDIRECT, RFL_STATUS_OFFERED, RFL_DECLINE_COUNT },
        { RFL_DO_CONTACT, RFL_STATUS_ACCEPTED, RFL_CHANNEL_COUNT },
        { RFL_DO_OUTCOME, RFL_STATUS_ACTIVE, RFL_OUTCOME_COUNT },
        { RFL_DO_CLOSE, RFL_STATUS_ACTIVE, RFL_CLOSE_JOINED_OTHER_CASE } };   /* the last is nobody's to say */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned word = 0; word < 256; word++) {
            struct rfl_case kase = case_in(rows[i].status);
            struct rfl_command command = verb(rows[i].kind);
            command.reason = command.code = (uint8_t)word;
            kase.tries = 9;
            kase.tried_channels = 0x7e;
            struct rfl_events events;
            enum rfl_err err = rfl_decide(policy, &kase, &command, &now, &events);
            assert_int_equal(err, word > 0 && word < rows[i].count ? RFL_E_OK : RFL_E_INVALID);
        }
}

/* Rehomed, a case has another place and is otherwise byte for byte what it was, but for what it says of the log. */
static void rehoming_changes_the_place_and_nothing_else(void **state)
{
    (void)state;
    static const enum rfl_status waits[] = { RFL_STATUS_TRIAGE, RFL_STATUS_ON_HOLD, RFL_STATUS_QUEUED,
                                             RFL_STATUS_DECLINING };
    for (unsigned i = 0; i < 4; i++)
        for (unsigned to = 0; to < 2; to++) {
            struct rfl_case before = case_in(waits[i]), after, expected;
            struct rfl_decision decision = { .queue = { to == 0 ? S_INTAKE : NATIONAL } };
            before.half_ms = before.most_ms = before.due_ms - 1;
            before.warned = 1;
            before.escalation = 2;
            before.clock = RFL_CLOCK_ESCALATED;
            before.hops = 1;
            before.lapses = 3;
            after = done(&before, (struct rfl_command){ .kind = RFL_DO_REHOME, .decision = &decision }, &now);
            memcpy(&expected, &before, sizeof expected);
            bool desk = to == 1 || waits[i] == RFL_STATUS_TRIAGE;
            expected.queue.v = to == 1 ? NATIONAL : desk ? S_TRIAGE : S_INTAKE;
            expected.area.v = to == 1 ? 0 : SOUTH;
            expected.status = to == 1 && waits[i] == RFL_STATUS_QUEUED ? RFL_STATUS_TRIAGE : before.status;
            expected.lapses = 0;                /* they were of the queue it has left */
            expected.version = after.version;
            expected.last_seq = after.last_seq;
            assert_memory_equal(&after, &expected, sizeof after);
        }
    struct rfl_case queued = case_in(RFL_STATUS_QUEUED);        /* out of a provider's queue, not escalated */
    struct rfl_decision national = { .queue = { NATIONAL } };
    struct rfl_case after = done(&queued, (struct rfl_command){ .kind = RFL_DO_REHOME, .decision = &national }, &now);
    assert_int_equal(after.clock, RFL_CLOCK_TRIAGE);
    assert_int_equal(after.due_ms, queued.due_ms);
    queued.declined_by[queued.declined_count++].v = S_INTAKE;   /* a provider who said no does not get it this way */
    struct rfl_decision south = { .queue = { S_INTAKE } };
    after = done(&queued, (struct rfl_command){ .kind = RFL_DO_REHOME, .decision = &south }, &now);
    assert_int_equal(after.queue.v, S_TRIAGE);
    struct rfl_decision here = { .queue = queued.queue };
    struct rfl_command nowhere = { .kind = RFL_DO_REHOME, .decision = &here };
    assert_int_equal(refused(&queued, nowhere), RFL_E_INVALID);
}

/* Too early for it there: the clock runs on, but not past the day on which it is decided again. */
static void who_is_rehomed_too_early_waits_until_the_day_at_most(void **state)
{
    (void)state;
    static const enum rfl_status waits[] = { RFL_STATUS_TRIAGE, RFL_STATUS_QUEUED, RFL_STATUS_ON_HOLD,
                                             RFL_STATUS_DECLINING };
    for (unsigned i = 0; i < 4; i++)
        for (int64_t day_ms = NOW_MS + 10; day_ms <= NOW_MS + 50; day_ms += 20) {
            struct rfl_case before = case_in(waits[i]);
            struct rfl_decision decision = { .queue = { S_TRIAGE }, .verdict = RFL_ROUTE_NOT_YET,
                                             .retry_ms = day_ms };
            before.half_ms = NOW_MS - 20;
            before.most_ms = NOW_MS + 20;
            before.due_ms = before.accept_by_ms = NOW_MS + 40;
            before.warned = 1;
            struct rfl_case after = done(&before, (struct rfl_command){ .kind = RFL_DO_REHOME,
                                                                        .decision = &decision }, &now);
            bool ends = i < 2 && day_ms < before.due_ms;
            assert_int_equal(after.queue.v, S_TRIAGE);
            assert_int_equal(after.warned, 1);
            assert_true(after.half_ms == before.half_ms);
            assert_true(after.due_ms == (ends ? day_ms : before.due_ms));
            assert_true(after.most_ms == (ends && day_ms < before.most_ms ? day_ms : before.most_ms));
        }
}

/* An event tells whoever the disclosure matrix names, and the log keeps that for exactly these kinds. */
static void told_is_the_matrix_and_the_log_keeps_it(void **state)
{
    (void)state;
    for (unsigned ev = 0; ev < RFL_EVENT_COUNT; ev++)
        assert_int_equal(rfl_disclose_told(policy, (enum rfl_event_kind)ev) != 0,
                         (rfl_event_fields((enum rfl_event_kind)ev) & RFL_HAS_TOLD) != 0);
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    struct rfl_command accept = verb(RFL_DO_ACCEPT);
    struct rfl_events events;
    must(rfl_decide(policy, &kase, &accept, &now, &events));
    assert_int_equal(events.list[0].told, rfl_disclose_told(policy, RFL_EVENT_ACCEPTED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_of_these_tests_is_sound),
        cmocka_unit_test(every_command_in_every_case_is_refused_or_whole),
        cmocka_unit_test(every_command_is_whole_although_the_calendar_has_ended),
        cmocka_unit_test(stale_token_and_other_holder_are_fenced_in_every_status),
        cmocka_unit_test(redirect_counts_a_hop_and_goes_to_the_end_of_the_other_queue),
        cmocka_unit_test(hop_over_the_budget_or_back_to_a_no_goes_to_the_lead_of_the_areas_triage),
        cmocka_unit_test(redirect_goes_only_to_another_providers_open_queue),
        cmocka_unit_test(lapses_count_up_to_parking),
        cmocka_unit_test(offers_and_returns_do_not_postpone_an_escalation),
        cmocka_unit_test(silence_escalates_level_by_level_and_somebody_else_is_asked_each_time),
        cmocka_unit_test(clock_that_is_not_over_changes_nothing),
        cmocka_unit_test(hold_that_ends_returns_to_the_same_place_in_the_queue),
        cmocka_unit_test(deferral_ends_within_the_hold_clock),
        cmocka_unit_test(consent_holds_until_a_later_referral_brings_it),
        cmocka_unit_test(closed_case_takes_no_referral_and_only_outcomes),
        cmocka_unit_test(touch_stops_at_its_budget),
        cmocka_unit_test(journey_deadlines_are_the_policys),
        cmocka_unit_test(words_that_are_not_in_their_list_are_refused),
        cmocka_unit_test(rehoming_changes_the_place_and_nothing_else),
        cmocka_unit_test(who_is_rehomed_too_early_waits_until_the_day_at_most),
        cmocka_unit_test(told_is_the_matrix_and_the_log_keeps_it),
    };
    return cmocka_run_group_tests_name("decide", tests, set_up, tear_down);
}
