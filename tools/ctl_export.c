/* Everything held about one person, in one document. */
#include <stdlib.h>

#include "ctl_export.h"
#include "rfl_json.h"
#include "rfl_receipt.h"

int ctl_reveal_all(const struct ctl *ctl, struct ctl_talk *talk, const char *code, const struct rfl_ask *ask,
                   json_t *parts, bool *erased)
{
    struct rfl_ask reveal = { .kind = RFL_MSG_REVEAL, .code = rfl_view_of(code), .operator_name = ask->operator_name,
                              .why = ask->why };
    struct rfl_reply reply;
    do {
        int exit_code = ctl_ask(ctl, talk, &reveal, RFL_MSG_REVEALED, &reply);
        if (exit_code != CTL_OK)
            return exit_code;
        json_t *page = rfl_json_of_reply(&reply);
        (void)json_array_extend(parts, json_object_get(page, "parts"));
        json_decref(page);
        *erased = reply.revealed.erased;
        reveal.after_sequence = reply.revealed.next;
    } while (reveal.after_sequence != 0);
    return CTL_OK;
}

static int told_all(const struct ctl *ctl, struct ctl_talk *talk, const char *code, json_t *rows)
{
    struct rfl_ask ask = { .kind = RFL_MSG_TOLD_QUERY, .code = rfl_view_of(code) };
    struct rfl_reply reply;
    do {
        int exit_code = ctl_ask(ctl, talk, &ask, RFL_MSG_TOLD, &reply);
        if (exit_code != CTL_OK)
            return exit_code;
        json_t *page = rfl_json_of_reply(&reply);
        (void)json_array_extend(rows, json_object_get(page, "rows"));
        json_decref(page);
        ask.after_sequence = reply.told.next;
    } while (ask.after_sequence != 0);
    return CTL_OK;
}

/* Why each referral of the case went where it went. */
static int explain_all(const struct ctl *ctl, struct ctl_talk *talk, const json_t *receipts, json_t *explained)
{
    size_t i;
    json_t *receipt;
    int exit_code = CTL_OK;
    json_array_foreach((json_t *)(uintptr_t)receipts, i, receipt) {
        struct rfl_ask ask = { .kind = RFL_MSG_EXPLAIN, .code = rfl_view_of(json_string_value(receipt)) };
        struct rfl_reply reply;
        exit_code = ctl_ask(ctl, talk, &ask, RFL_MSG_EXPLAINED, &reply);
        if (exit_code != CTL_OK)
            return exit_code;
        (void)json_array_insert_new(explained, 0, rfl_json_of_reply(&reply));   /* oldest first */
    }
    return exit_code;
}

static int gather_case(const struct ctl *ctl, struct ctl_talk *talk, const struct rfl_ask *who, const char *code,
                       json_t *cases)
{
    struct rfl_reply reply;
    const struct rfl_ask show = { .kind = RFL_MSG_SHOW, .code = rfl_view_of(code) };
    json_t *explained = json_array(), *told = json_array(), *parts = json_array(), *shown = NULL;
    bool erased = false;
    int exit_code = ctl_reveal_all(ctl, talk, code, who, parts, &erased);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, talk, &show, RFL_MSG_SHOWN, &reply);
    if (exit_code == CTL_OK) {
        shown = rfl_json_of_reply(&reply);
        exit_code = explain_all(ctl, talk, json_object_get(shown, "receipts"), explained);
    }
    if (exit_code == CTL_OK)
        exit_code = told_all(ctl, talk, code, told);
    if (exit_code == CTL_OK)
        (void)json_array_append_new(cases, json_pack("{s:O, s:O, s:b, s:O, s:O, s:O}", "case",
            json_object_get(shown, "row"), "timeline", json_object_get(shown, "timeline"), "timeline_cut",
            (int)json_is_true(json_object_get(shown, "truncated")), "held", parts, "explained", explained, "told",
            told));
    json_decref(shown);
    json_decref(explained);
    json_decref(told);
    json_decref(parts);
    return exit_code;
}

static int gather(const struct ctl *ctl, struct ctl_talk *talk, const struct rfl_ask *who, json_t *cases)
{
    struct rfl_reply reply;
    struct rfl_ask find = { .kind = RFL_MSG_SUBJECT_FIND, .code = rfl_view_of(ctl->argv[0]),
                            .operator_name = who->operator_name, .why = who->why };
    int exit_code = ctl_ask(ctl, talk, &find, RFL_MSG_SUBJECT_FOUND, &reply);
    if (exit_code != CTL_OK)
        return exit_code;
    json_t *found = rfl_json_of_reply(&reply), *row;
    size_t i;
    json_array_foreach(json_object_get(found, "cases"), i, row)
        if (exit_code == CTL_OK)
            exit_code = gather_case(ctl, talk, who, json_string_value(json_object_get(row, "case_code")), cases);
    json_decref(found);
    return exit_code;
}

static int by_opening(const void *x, const void *y)
{
    json_t *a, *b;
    memcpy(&a, x, sizeof a);
    memcpy(&b, y, sizeof b);
    json_int_t one = json_integer_value(json_object_get(json_object_get(a, "case"), "opened_ms"));
    json_int_t two = json_integer_value(json_object_get(json_object_get(b, "case"), "opened_ms"));
    return one < two ? -1 : one > two;
}

/* The cases of the document in the order of the person's story. */
static json_t *in_order(json_t *cases)
{
    size_t count = json_array_size(cases);
    json_t **list = calloc(count + 1, sizeof(json_t *)), *sorted = json_array();
    for (size_t i = 0; list != NULL && i < count; i++)
        list[i] = json_array_get(cases, i);
    if (list != NULL)
        qsort(list, count, sizeof(json_t *), by_opening);
    for (size_t i = 0; list != NULL && i < count; i++)
        (void)json_array_append(sorted, list[i]);
    free(list);
    json_decref(cases);
    return sorted;
}

int ctl_subject_export(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct rfl_ask who = { .kind = RFL_MSG_NONE };
    int exit_code = ctl_who_and_why(ctl, &who);
    if (exit_code != CTL_OK)
        return exit_code;
    json_t *cases = json_array();
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = gather(ctl, &talk, &who, cases);
    ctl_talk_close(&talk);
    if (exit_code != CTL_OK) {
        json_decref(cases);
        return exit_code;
    }
    json_t *document = json_pack("{s:s, s:I, s:s%, s:s%, s:o}", "of", ctl->argv[0], "made_ms",
                                 (json_int_t)ctl_now_ms(), "made_by", (const char *)who.operator_name.p,
                                 who.operator_name.len, "why", (const char *)who.why.p, who.why.len, "cases",
                                 in_order(cases));
    if (ctl->json)
        return ctl_print_value(document);
    ctl_export_print(document, stdout);
    json_decref(document);
    return CTL_OK;
}
