/* Policies with one fault each, and policies with none: what is found is exactly what is expected, and every witness
 * shows it when the real routing is asked. Faults in one thing by itself are rfl_policy_check's and are refused at
 * loading; they are expected here by its names. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "shows.h"
#include "small_policy.h"

enum { FOUND_MAX = 16, FOUND_BYTES = 240 };

/* expected: lines, in any order. */
struct seeded { const char *name, *lines, *expected; };

static const struct seeded faults[] = {
    { "an intake that closes and nothing after it",
      "intake kent closes=500",
      "gap kent" },
    { "a rule takes only some of those the closed intake leaves",
      "intake kent closes=500\n"
      "queue kent/young\n"
      "rule young kent age=1..17 -> kent/young",
      "gap kent" },
    { "the rule that takes over begins too late",
      "intake kent closes=500\n"
      "queue kent/next\n"
      "rule next kent from=600 -> kent/next",
      "gap kent" },
    { "the rule that takes over ends",
      "intake kent closes=500\n"
      "queue kent/next\n"
      "rule next kent until=900 -> kent/next",
      "gap kent" },
    { "unknown age falls through the rules of a closed intake",
      "intake kent closes=500\n"
      "queue kent/a\n"
      "rule all-ages kent age=1..255 -> kent/a",
      "gap kent" },
    { "a closed intake whose rule is only a shadow",
      "intake kent closes=500\n"
      "queue kent/a\n"
      "rule all kent shadow -> kent/a",
      "gap kent\nqueue_unused kent/a" },
    { "one place is forgotten when the intake has closed",
      "intake kent closes=500\n"
      "queue kent/a\n"
      "rule places kent place=dover,hythe -> kent/a",
      "gap kent" },
    { "a key is forgotten when the intake has closed",
      "intake kent closes=500\n"
      "keys kent postcode,jobcentre\n"
      "queue kent/a\n"
      "rule by-post kent decided_by=postcode -> kent/a",
      "gap kent" },
    { "everybody before the young",
      "queue kent/a\n"
      "queue kent/young\n"
      "rule all kent -> kent/a\n"
      "rule young kent age=1..17 -> kent/young",
      "rule_covered young\nqueue_unused kent/young" },
    { "two halves cover a whole",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule low kent age=1..40 -> kent/a\n"
      "rule high kent age=41..255,unknown -> kent/a\n"
      "rule some kent barrier=3 -> kent/b",
      "rule_covered some\nqueue_unused kent/b\noverlap low some\noverlap high some" },
    { "three doors cover all that there are",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule one kent doors_differ door=gp,pharmacist -> kent/a\n"
      "rule two kent doors_differ door=self -> kent/a\n"
      "rule three kent doors_differ door=jobcentre -> kent/a\n"
      "rule rest kent -> kent/b",
      "rule_covered rest\nqueue_unused kent/b" },
    { "a rule of every area covers one of an area",
      "rule all * employment=student -> nowhere\n"
      "rule students kent employment=student -> nowhere",
      "rule_covered students" },
    { "covered for as long as it is in force",
      "queue kent/a\n"
      "rule all kent until=800 -> kent/a\n"
      "rule young kent from=100 until=700 age=1..17 -> nowhere",
      "rule_covered young" },
    { "covered from one day by one rule and from that day by another",
      "queue kent/a\n"
      "rule first kent until=500 -> kent/a\n"
      "rule then kent from=500 -> kent/a\n"
      "rule young kent age=1..17 -> nowhere",
      "rule_covered young" },
    { "an advice that leads takes everybody from a rule",
      "queue kent/a\n"
      "advice all kent -> kent/a\n"
      "rule young kent age=1..17 -> nowhere",
      "rule_covered young" },
    { "the same condition twice",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule one kent flags=interpreter -> kent/a\n"
      "rule two kent flags=interpreter -> kent/b",
      "rule_covered two\nqueue_unused kent/b" },
    { "flags set and clear are everybody",
      "rule with kent flags=step_free -> nowhere\n"
      "rule without kent flags=!step_free -> nowhere\n"
      "rule rest kent -> nowhere",
      "rule_covered rest" },
    { "a wider range before a narrower one",
      "rule wide kent weeks_out_of_work=1..52 -> nowhere\n"
      "rule narrow kent weeks_out_of_work=4..8 -> nowhere",
      "rule_covered narrow" },
    { "a door that no source may use",
      "queue kent/a\n"
      "rule jobs kent doors_differ door=employer -> kent/a",
      "rule_nobody jobs\nqueue_unused kent/a" },
    { "a source and a door that it may not use",
      "queue kent/a\n"
      "rule odd kent doors_differ door=jobcentre source=gp-feed -> kent/a",
      "rule_nobody odd\nqueue_unused kent/a" },
    { "a key that the area does not accept",
      "keys kent gp_practice\n"
      "rule post kent decided_by=postcode -> nowhere",
      "rule_nobody post" },
    { "years that nobody reaches",
      "rule ancient kent age=131..255 -> nowhere",
      "rule_nobody ancient" },
    { "weeks that nobody states",
      "rule long kent weeks_out_of_work=5201..6000 -> nowhere",
      "rule_nobody long" },
    { "nobody in any area",
      "keys kent postcode\n"
      "keys essex postcode\n"
      "rule jc * decided_by=jobcentre -> nowhere",
      "rule_nobody jc" },
    { "an advice behind one for everybody",
      "advice all kent\n"
      "advice young kent age=1..17",
      "advice_covered young" },
    { "an advice for a door nobody has",
      "advice jobs kent door=employer",
      "advice_nobody jobs" },
    { "an advice behind two halves",
      "advice in kent band=urgent\n"
      "advice out kent band=routine\n"
      "advice flagged kent flags=incident",
      "advice_covered flagged" },
    { "an advice of every area before one of an area",
      "advice all * age=1..20\n"
      "advice young kent age=1..17",
      "advice_covered young" },
    { "two fields, each alone",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule young kent age=1..17 -> kent/a\n"
      "rule students kent employment=student -> kent/b",
      "overlap young students" },
    { "ranges that share some years",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule low kent age=1..30 -> kent/a\n"
      "rule high kent age=25..60 -> kent/b",
      "overlap low high" },
    { "places that share one",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule one kent place=dover,none -> kent/a\n"
      "rule two kent place=dover,hythe -> kent/b",
      "overlap one two" },
    { "a desk and a queue",
      "queue kent/a\n"
      "rule risk kent flags=safeguarding -> nowhere\n"
      "rule old kent age=60..255 -> kent/a",
      "overlap risk old" },
    { "two days on which to look again",
      "rule a kent band=urgent -> not_yet:500\n"
      "rule b kent age=1..17 -> not_yet:700",
      "overlap a b" },
    { "only while both are in force",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule a kent until=300 band=urgent -> kent/a\n"
      "rule b kent from=200 age=1..17 -> kent/b",
      "overlap a b" },
    { "each pair of three",
      "rule a kent band=urgent -> nowhere\n"
      "queue kent/x\n"
      "queue kent/y\n"
      "rule b kent age=1..17 -> kent/x\n"
      "rule c kent barrier=3 -> kent/y",
      "overlap a b\noverlap a c\noverlap b c" },
    { "self-referral to a slower queue",
      "queue kent/slow\n"
      "rule self kent door=self -> kent/slow",
      "doors_differ intake self" },
    { "by the adapter instead of the door",
      "queue kent/b\n"
      "rule hub kent source=jc-feed -> kent/b",
      "doors_differ hub intake" },
    { "only the young of one door",
      "rule young kent door=jobcentre age=16..17 -> nowhere",
      "doors_differ intake young" },
    { "two rules for two doors",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule gps kent door=gp,pharmacist -> kent/a\n"
      "rule rest kent door=self,jobcentre -> kent/b",
      "doors_differ gps rest" },
    { "an advice that leads only one door away",
      "queue kent/b\n"
      "advice jc kent door=jobcentre -> kent/b",
      "doors_differ intake jc" },
    { "a rule of every area",
      "rule jc * door=jobcentre -> nowhere",
      "doors_differ intake jc" },
    { "nobody may work the intake",
      "intake kent no_worker",
      "queue_no_worker kent/intake" },
    { "nobody may work what overflows",
      "intake kent capacity=5 overflow=kent/more\n"
      "queue kent/more no_worker",
      "queue_no_worker kent/more" },
    { "a rule leads to a queue after it has closed",
      "queue kent/a closes=500\n"
      "rule young kent age=1..17 -> kent/a",
      "queue_closed young kent/a" },
    { "a rule leads to a queue before it opens",
      "queue kent/a opens=500\n"
      "rule young kent age=1..17 -> kent/a",
      "queue_later young kent/a" },
    { "an advice leads to a closed queue",
      "queue kent/a closes=500\n"
      "advice young kent age=1..17 -> kent/a",
      "queue_closed young kent/a" },
    { "an intake that opens later",
      "intake kent opens=500",
      "queue_later intake kent/intake" },
    { "the queue it overflows to has closed too",
      "queue kent/b closes=400\n"
      "queue kent/a closes=500 overflow=kent/b\n"
      "rule young kent age=1..17 -> kent/a",
      "queue_closed young kent/a" },
    { "nothing leads to it",
      "queue kent/a",
      "queue_unused kent/a" },
    { "an overflow of what nothing leads to",
      "queue kent/a overflow=kent/b\n"
      "queue kent/b",
      "queue_unused kent/a\nqueue_unused kent/b" },
    { "overflow in a circle",
      "queue kent/a overflow=kent/b\n"
      "queue kent/b overflow=kent/a\n"
      "rule young kent age=1..17 -> kent/a",
      "check OVERFLOW_CIRCLE\ncheck OVERFLOW_CIRCLE" },
    { "areas that follow each other in a circle",
      "area old until=500 to=old",
      "check SUCCESSOR_ITSELF" },
    { "a queue without an owner",
      "queue kent/a no_owner\n"
      "rule young kent age=1..17 -> kent/a",
      "check QUEUE_NO_OWNER" },
    { "a clock without a length",
      "no_clock contact",
      "check CLOCK_MISSING" },
    { "a rule into another area's queue",
      "rule young kent age=1..17 -> essex/intake",
      "check RULE_QUEUE" },
    { "a rule for a time after its area",
      "area old until=500 to=kent\n"
      "rule late old from=600 -> nowhere",
      "check RULE_DATES" },
};

static const struct seeded sound[] = {
    { "nothing but two areas",
      "",
      "" },
    { "the young have their own queue",
      "queue kent/young\n"
      "rule young kent age=1..17 -> kent/young",
      "" },
    { "special before general",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule young-students kent age=1..17 employment=student -> kent/a\n"
      "rule young kent age=1..17 -> kent/b",
      "" },
    { "three steps from special to general",
      "queue kent/a\n"
      "queue kent/b\n"
      "queue kent/c\n"
      "rule x kent place=dover band=urgent age=1..17 -> kent/a\n"
      "rule y kent place=dover band=urgent -> kent/b\n"
      "rule z kent place=dover -> kent/c",
      "" },
    { "two halves and nobody left",
      "queue kent/a\n"
      "rule low kent age=1..40 -> kent/a\n"
      "rule high kent age=41..255,unknown -> nowhere",
      "" },
    { "a door treated otherwise on purpose",
      "queue kent/a\n"
      "rule jc kent doors_differ door=jobcentre -> kent/a",
      "" },
    { "doors that come to the same",
      "queue kent/a\n"
      "rule one kent door=gp,pharmacist -> kent/a\n"
      "rule two kent door=self,jobcentre -> kent/a",
      "" },
    { "a door named by a rule with the intake's answer",
      "rule one kent door=gp -> kent/intake",
      "" },
    { "an adapter named with the same answer",
      "rule one kent source=hub -> kent/intake",
      "" },
    { "an advice that only says something, by door",
      "advice one kent door=self",
      "" },
    { "an advice before a rule",
      "queue kent/a\n"
      "advice long kent weeks_out_of_work=52..5200 -> kent/a",
      "" },
    { "an advice that only says, and a rule for the same people",
      "queue kent/a\n"
      "advice long kent weeks_out_of_work=52..5200\n"
      "rule long kent weeks_out_of_work=52..5200 -> kent/a",
      "" },
    { "two advices, special first",
      "advice very kent age=1..15\n"
      "advice young kent age=1..17",
      "" },
    { "two advices that meet",
      "advice young kent age=1..17\n"
      "advice urgent kent band=urgent",
      "" },
    { "a queue that opens with its rule",
      "queue kent/a opens=500\n"
      "rule young kent from=500 age=1..17 -> kent/a",
      "" },
    { "a queue that closes with its rule",
      "queue kent/a closes=500\n"
      "rule young kent until=500 age=1..17 -> kent/a",
      "" },
    { "a queue that opens later and overflows until then",
      "queue kent/a opens=500 overflow=kent/intake\n"
      "rule young kent age=1..17 -> kent/a",
      "" },
    { "a queue that closes and overflows",
      "queue kent/a closes=500 overflow=kent/b\n"
      "queue kent/b\n"
      "rule young kent age=1..17 -> kent/a",
      "" },
    { "an intake that closes and overflows",
      "intake kent closes=500 overflow=kent/next\n"
      "queue kent/next",
      "" },
    { "an intake that closes and a rule that takes over",
      "intake kent closes=500\n"
      "queue kent/next\n"
      "rule next kent from=500 -> kent/next",
      "" },
    { "an intake that opens later and a rule for before",
      "intake kent opens=500\n"
      "queue kent/early\n"
      "rule early kent until=500 -> kent/early",
      "" },
    { "a closed intake and rules for every age",
      "intake kent closes=500\n"
      "queue kent/a\n"
      "queue kent/b\n"
      "rule a kent age=1..40 -> kent/a\n"
      "rule b kent age=41..255,unknown -> kent/b",
      "" },
    { "a closed intake and a desk that decides",
      "intake kent closes=500\n"
      "rule desk kent from=500 -> nowhere",
      "" },
    { "overflow in a row",
      "intake kent capacity=1 overflow=kent/a\n"
      "queue kent/a capacity=1 overflow=kent/b\n"
      "queue kent/b",
      "" },
    { "overflow in two",
      "intake kent capacity=1 overflow=kent/a,kent/b\n"
      "queue kent/a capacity=1\n"
      "queue kent/b",
      "" },
    { "overflow that an operator's limit may bring about",
      "intake kent overflow=kent/a\n"
      "queue kent/a",
      "" },
    { "a shadow before everything",
      "queue kent/a\n"
      "rule trial kent shadow -> kent/intake\n"
      "rule young kent age=1..17 -> kent/a",
      "" },
    { "a shadow that differs by door",
      "rule trial kent shadow door=self -> nowhere",
      "" },
    { "a shadow that overlaps",
      "rule trial kent shadow band=urgent -> nowhere\n"
      "queue kent/a\n"
      "rule young kent age=1..17 -> kent/a",
      "" },
    { "a shadow behind everything",
      "rule all kent -> kent/intake\n"
      "rule trial kent shadow age=1..17 -> nowhere",
      "" },
    { "not yet, and then the intake",
      "rule wait kent -> not_yet:500",
      "" },
    { "not yet for some, special first",
      "rule wait kent age=1..15 -> not_yet:500\n"
      "rule young kent age=1..17 -> nowhere",
      "" },
    { "rules one after the other in time",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule now kent until=500 age=1..17 -> kent/a\n"
      "rule then kent from=500 age=1..17 -> kent/b",
      "" },
    { "rules that overlap but never at one time",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule now kent until=500 band=urgent -> kent/a\n"
      "rule then kent from=500 age=1..17 -> kent/b",
      "" },
    { "rules that overlap and agree",
      "queue kent/a\n"
      "rule young kent age=1..17 -> kent/a\n"
      "rule urgent kent band=urgent -> kent/a",
      "" },
    { "rules of two areas",
      "queue kent/a\n"
      "queue essex/a\n"
      "rule young kent age=1..17 -> kent/a\n"
      "rule young essex age=1..17 -> essex/a",
      "" },
    { "an area's rule before one of every area",
      "queue kent/a\n"
      "rule young kent age=1..17 -> kent/a\n"
      "rule risk * flags=safeguarding -> nowhere",
      "" },
    { "a rule of every area that one area never needs",
      "rule all-kent kent -> kent/intake\n"
      "rule risk * flags=safeguarding -> nowhere",
      "" },
    { "a rule of every area for a key that one of them accepts",
      "keys kent postcode\n"
      "rule jc * decided_by=jobcentre -> nowhere",
      "" },
    { "places apart",
      "queue kent/dover\n"
      "queue kent/hythe\n"
      "rule d kent place=dover -> kent/dover\n"
      "rule h kent place=hythe -> kent/hythe",
      "" },
    { "every place and none",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule d kent place=dover,hythe -> kent/a\n"
      "rule rest kent place=none -> kent/b",
      "" },
    { "keys apart",
      "queue kent/a\n"
      "rule post kent decided_by=postcode -> kent/a\n"
      "rule gp kent decided_by=gp_practice -> nowhere",
      "" },
    { "barriers apart",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule m kent barrier=1,2,3 -> kent/a\n"
      "rule n kent barrier=4,5 -> kent/b",
      "" },
    { "flags apart",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule s kent flags=safeguarding,!incident -> kent/a\n"
      "rule i kent flags=incident -> kent/b",
      "" },
    { "bands and employment, special first",
      "queue kent/a\n"
      "rule u kent band=urgent employment=off_sick,in_work -> nowhere\n"
      "rule o kent employment=off_sick,in_work -> kent/a",
      "" },
    { "weeks with and without unknown",
      "queue kent/a\n"
      "queue kent/b\n"
      "rule known kent weeks_out_of_work=1..26 -> kent/a\n"
      "rule rest kent weeks_out_of_work=27..5200,unknown -> kent/b",
      "" },
    { "an area that ends and is followed",
      "area old until=500 to=kent\n"
      "queue old/a\n"
      "rule young old until=500 age=1..17 -> old/a",
      "" },
    { "a rule that outlives its area",
      "area old until=500 to=kent\n"
      "queue old/a\n"
      "rule young old age=1..17 -> old/a",
      "" },
    { "every worker has a queue but the desks",
      "queue kent/a\n"
      "rule young kent age=1..17 -> kent/a",
      "" },
    { "many rules in one order",
      "queue kent/q1\n"
      "queue kent/q2\n"
      "queue kent/q3\n"
      "queue kent/q4\n"
      "queue kent/q5\n"
      "queue kent/q6\n"
      "rule r1 kent age=10..19 -> kent/q1\n"
      "rule r2 kent age=20..29 -> kent/q2\n"
      "rule r3 kent age=30..39 -> kent/q3\n"
      "rule r4 kent age=40..49 -> kent/q4\n"
      "rule r5 kent age=50..59 -> kent/q5\n"
      "rule r6 kent age=60..69 -> kent/q6",
      "" },
};

static struct small_policy *small;
static struct rfl_prove_work *work;
static struct rfl_prove_options options;
static char found[FOUND_MAX][FOUND_BYTES];
static unsigned found_count, shown;

static int text_len(struct rfl_text text) { return (int)text.len; }
static const char *text_at(struct rfl_text text) { return small->policy.text + text.at; }

static const char *name_of(struct rfl_decider by, char out[80])
{
    struct rfl_text name = { 0, 0 };
    if (by.rule != 0)
        name = small->policy.rule[by.rule - 1].written.name;
    else if (by.advice != 0)
        name = small->policy.advice[by.advice - 1].written.name;
    if (by.rule == 0 && by.advice == 0)
        (void)snprintf(out, 80, "intake");
    else
        (void)snprintf(out, 80, "%.*s", text_len(name), text_at(name));
    return out;
}

static char *room(void)
{
    assert_true(found_count < FOUND_MAX);
    return found[found_count++];
}

static void keep(void *ctx, const struct rfl_proof_finding *f)
{
    char by[80], other[80], *out = room();
    const char *wrong = shows(&small->policy, &options, f), *word = rfl_proof_word(f->proof);
    const struct rfl_queue *queue = rfl_policy_queue(&small->policy, f->queue);
    const struct rfl_area *area = rfl_policy_area(&small->policy, f->area);
    (void)ctx;
    if (wrong != NULL)
        print_error("%s: %s\n", word, wrong);
    assert_null(wrong);
    shown += f->shown ? 1 : 0;
    (void)name_of(f->by, by);
    (void)name_of(f->other, other);
    if (f->proof == RFL_PROOF_GAP)
        (void)snprintf(out, FOUND_BYTES, "%s %.*s", word, text_len(area->name), text_at(area->name));
    else if (f->proof == RFL_PROOF_OVERLAP)
        (void)snprintf(out, FOUND_BYTES, "%s %s %s", word, by, other);
    else if (f->proof == RFL_PROOF_DOORS_DIFFER)
        (void)snprintf(out, FOUND_BYTES, "%s %s %s", word, strcmp(by, other) < 0 ? by : other,
                       strcmp(by, other) < 0 ? other : by);
    else if (f->proof == RFL_PROOF_QUEUE_CLOSED || f->proof == RFL_PROOF_QUEUE_LATER)
        (void)snprintf(out, FOUND_BYTES, "%s %s %.*s", word, by, text_len(queue->name), text_at(queue->name));
    else if (queue != NULL)
        (void)snprintf(out, FOUND_BYTES, "%s %.*s", word, text_len(queue->name), text_at(queue->name));
    else
        (void)snprintf(out, FOUND_BYTES, "%s %s", word, by);
}

static void keep_check(void *ctx, const struct rfl_policy_finding *f)
{
    static const char *const names[] = {
#define RFL_X(name, text, remedy) #name,
        RFL_POLICY_RULE_LIST(RFL_X)
#undef RFL_X
    };
    (void)ctx;
    (void)snprintf(room(), FOUND_BYTES, "check %s", names[f->rule]);
}

/* Takes one away that is spelled so. */
static bool take(const char *text, size_t len)
{
    for (unsigned i = 0; i < found_count; i++) {
        if (strlen(found[i]) != len || memcmp(found[i], text, len) != 0)
            continue;
        memmove(found[i], found[--found_count], FOUND_BYTES);
        return true;
    }
    return false;
}

static void look_at(const struct seeded *one)
{
    struct rfl_prove_count count = { 0 };
    bool same = true;
    small_policy_make(one->lines, small);
    options = (struct rfl_prove_options){ 0, small_policy_has_worker, small };
    found_count = 0;
    if (rfl_policy_check(&small->policy, keep_check, NULL) == 0)
        rfl_prove(&small->policy, &options, work, keep, NULL, &count);
    for (const char *line = one->expected; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (!take(line, len)) {
            print_error("%s: not found: %.*s\n", one->name, (int)len, line);
            same = false;
        }
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    for (unsigned i = 0; i < found_count; i++)
        print_error("%s: found as well: %s\n", one->name, found[i]);
    assert_true(same && found_count == 0);
}

static void each_fault_is_found_and_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        look_at(&faults[i]);
    assert_true(sizeof faults / sizeof faults[0] >= 50 && shown >= 40);
}

static void sound_ones_are_silent(void **state)
{
    (void)state;
    shown = 0;
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++)
        look_at(&sound[i]);
    assert_true(sizeof sound / sizeof sound[0] >= 50);
    assert_int_equal(shown, 0);
}

/* Sixty-four different ages, each its own rule's. */
static void too_many_distinctions_are_said(void **state)
{
    static char lines[16 * 1024];
    size_t at = (size_t)snprintf(lines, sizeof lines, "queue kent/a\n");
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        at += (size_t)snprintf(lines + at, sizeof lines - at, "rule r%u kent age=%u..%u -> kent/a\n", i, 2 * i + 1,
                               2 * i + 1);
    look_at(&(struct seeded){ "64 ages", lines, "too_complex intake" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_found_and_shown), cmocka_unit_test(sound_ones_are_silent),
        cmocka_unit_test(too_many_distinctions_are_said),
    };
    small = malloc(sizeof *small);
    work = malloc(sizeof *work);
    assert(small != NULL && work != NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(small);
    free(work);
    return failed;
}
