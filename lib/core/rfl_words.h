/* rfl_words.h: the closed lists of the domain: statuses, clocks, reasons, bands, keys, grades.
 *
 * Each list is an X-macro of (NAME, "word"): the word is what people and the wire see, the number is what is stored.
 * Append only; numbers are never reused. */
#ifndef RFL_WORDS_H
#define RFL_WORDS_H

#include "rfl_base.h"

/* Declares enum rfl_<lower> with RFL_<UPPER>_<NAME> ... RFL_<UPPER>_COUNT and const char *rfl_<lower>_word(). */
#define RFL_WORD_ENUM(upper, lower, LIST) \
    enum rfl_##lower { LIST RFL_##upper##_COUNT }; \
    const char *rfl_##lower##_word(enum rfl_##lower word); \
    /* False when no word of the list is spelled so; *out is then unchanged. */ \
    bool rfl_##lower##_from_word(const char *text, size_t len, enum rfl_##lower *out);

/* The ten statuses, and NONE for a case that is not there. Each has an owner, a next action and a clock. */
#define RFL_STATUS_LIST(X) \
    X(NONE, "none") X(RECEIVED, "received") X(TRIAGE, "triage") X(ON_HOLD, "on_hold") X(QUEUED, "queued") \
    X(OFFERED, "offered") X(DECLINING, "declining") X(ACCEPTED, "accepted") \
    X(WAITING_ON_PERSON, "waiting_on_person") X(ACTIVE, "active") X(CLOSED, "closed")

/* Which clock runs. Lengths are configuration (config/clocks.conf), in working days or working hours. */
#define RFL_CLOCK_LIST(X) \
    X(NONE, "none") X(TRIAGE, "triage") X(HOLD, "hold") X(CONSENT, "consent") X(PARKED, "parked") \
    X(ACCEPT, "accept") X(LEASE, "lease") X(DECLINE, "decline") X(CONTACT, "contact") X(FOLLOW_UP, "follow_up") \
    X(OUTCOME_FIRST, "outcome_first") X(OUTCOME_LATER, "outcome_later") X(ESCALATED, "escalated")

#define RFL_HOLD_LIST(X) \
    X(NONE, "none") X(CONSENT, "consent") X(DEFERRED, "deferred") X(PARKED, "parked") \
    X(DO_NOT_CONTACT, "do_not_contact")     /* the person said no not long ago */ \
    X(OPERATOR, "operator")                 /* placed by triage, with a reason and an end */

/* Why a provider says no. A decline is a proposal: triage approves it or sends it back. */
#define RFL_DECLINE_LIST(X) \
    X(NONE, "none") X(OUT_OF_AREA, "out_of_area") X(NOT_ELIGIBLE, "not_eligible") X(NO_CAPACITY, "no_capacity") \
    X(NEED_NOT_MET_HERE, "need_not_met_here") X(SAFETY, "safety") X(DUPLICATE, "duplicate") \
    X(ALREADY_ON_PROVISION, "already_on_provision") X(WRONG_INFORMATION, "wrong_information") X(OTHER, "other")

#define RFL_CLOSE_LIST(X) \
    X(NONE, "none") X(COMPLETED, "completed") X(PERSON_DECLINED, "person_declined") X(PERSON_MOVED, "person_moved") \
    X(UNREACHABLE, "unreachable") X(DIED, "died") X(NOT_ELIGIBLE, "not_eligible") \
    X(WITHDRAWN_BY_REFERRER, "withdrawn_by_referrer") X(SENT_IN_ERROR, "sent_in_error") \
    X(ALREADY_ON_PROVISION, "already_on_provision") \
    X(JOINED_OTHER_CASE, "joined_other_case")   /* it rested on another case, and that one was closed */

/* Who takes a referral back, and why. The first two are kept apart so that mistakes never count as changed minds (the
 * statuses `revoked` and `entered-in-error` of FHIR and BaRS); the third is the person's own no. */
#define RFL_WITHDRAW_LIST(X) \
    X(NONE, "none") X(REVOKED, "revoked") X(ENTERED_IN_ERROR, "entered_in_error") X(PERSON, "person")

/* What a referrer may be told of, as in mail delivery notices: a door has a default, a referral may choose. */
#define RFL_NOTIFY_LIST(X) \
    X(ACCEPTED, "accepted") X(WAITING, "waiting") X(MOVED, "moved") X(PROGRESS, "progress") X(CLOSED, "closed")

/* The rows of the disclosure matrix (config/policy/disclosure.conf): what a referrer may hear of. Which event is which
 * row: rfl_event_disclosed. Closing has three, by the reason: what the person said or what became of them, what the
 * service found, the rest. */
#define RFL_DISCLOSED_LIST(X) \
    X(HELD, "held")             /* consent is missing: nothing is passed on before it comes */ \
    X(WAITING, "waiting")       /* still waiting for somebody to say yes */ \
    X(ACCEPTED, "accepted") X(REDIRECTED, "redirected") X(STARTED, "started") X(OUTCOME, "outcome") \
    X(CLOSED_PERSON, "closed_person") X(CLOSED_SERVICE, "closed_service") X(CLOSED_OTHER, "closed_other")

/* The words of feedback. NOTHING is never sent. */
#define RFL_TELL_LIST(X) \
    X(NOTHING, "nothing") X(ACCEPTED, "accepted") X(WITH_THE_SERVICE, "with_the_service") X(WAITING, "waiting") \
    X(HELD, "held") X(REDIRECTED, "redirected") X(STARTED, "started") X(OUTCOME, "outcome") X(CLOSED, "closed")

/* What an operator may do to a queue; each has an owner, a reason and an end. */
#define RFL_QUEUE_MODE_LIST(X) \
    X(CLEAR, "clear")           /* take back everything below */ \
    X(PAUSE, "pause")           /* nobody is offered from it */ \
    X(HOLD, "hold")             /* it takes nobody new: they go to the area's triage */ \
    X(DIVERT, "divert")         /* who would come here goes to another queue */ \
    X(CAPACITY, "capacity")     /* at most so many offered, accepted or active at once */

/* The roll-up of the Labour Force Survey's 18 health problems that the scheme's figures are published in. */
#define RFL_BARRIER_GROUP_LIST(X) \
    X(NONE, "none") X(MUSCULOSKELETAL, "musculoskeletal") X(MENTAL_HEALTH, "mental_health") \
    X(HEART, "heart_blood_pressure_circulation") X(LEARNING, "learning_difficulties") X(AUTISM, "autism") \
    X(OTHER, "other")

/* How strongly two referrals speak of one person, strongest first. */
#define RFL_MATCH_LIST(X) X(NHS_NUMBER, "nhs_number") X(NINO, "nino") X(NAME_BIRTH_POSTCODE, "name_birth_postcode")

/* What is kept, each for as long as config/policy/retention.conf says. */
#define RFL_RETENTION_LIST(X) \
    X(CLOSED, "closed_case")        /* personal data of a closed case that a provider had said yes to */ \
    X(UNACCEPTED, "unaccepted_case") /* of a closed case that none had */ \
    X(MAIL_WAITING, "mail_waiting") /* feedback that its source has not acknowledged */ \
    X(MAIL_DONE, "mail_done")       /* that it has: out of the mailbox at once, what was told stays in the log */ \
    X(LOG, "log")                   /* entries, without personal data once a person is erased */

#define RFL_CHANNEL_LIST(X) \
    X(NONE, "none") X(PHONE, "phone") X(SMS, "sms") X(EMAIL, "email") X(LETTER, "letter") X(VIDEO, "video") \
    X(IN_PERSON, "in_person")

#define RFL_OUTCOME_LIST(X) \
    X(NONE, "none") X(PLAN_AGREED, "plan_agreed") X(STAYED_IN_WORK, "stayed_in_work") \
    X(RETURNED_TO_WORK, "returned_to_work") X(STARTED_WORK, "started_work") \
    X(IN_WORK_13_WEEKS, "in_work_13_weeks") X(IN_WORK_26_WEEKS, "in_work_26_weeks") \
    X(NOT_IN_WORK, "not_in_work") X(OTHER, "other")

/* Priority band; the lower number is offered first. */
#define RFL_BAND_LIST(X) X(URGENT, "urgent") X(ROUTINE, "routine")

#define RFL_CONSENT_LIST(X) \
    X(NOT_STATED, "not_stated") X(GIVEN, "given") X(IMPLIED, "implied") X(NOT_GIVEN, "not_given")

#define RFL_EMPLOYMENT_LIST(X) \
    X(NOT_STATED, "not_stated") X(IN_WORK, "in_work") X(OFF_SICK, "off_sick") X(OUT_OF_WORK, "out_of_work") \
    X(STUDENT, "student") X(OTHER, "other")

/* What a person's area can be found from. */
#define RFL_KEY_LIST(X) \
    X(POSTCODE, "postcode") X(GP_PRACTICE, "gp_practice") X(JOBCENTRE, "jobcentre") \
    X(REFERRER_AREA, "referrer_area")

/* How good a key is. Grades never gate: a bad key is passed over, with its grade kept in the trail. */
#define RFL_GRADE_LIST(X) \
    X(ABSENT, "absent")          /* not supplied */ \
    X(MALFORMED, "malformed")    /* not of the published shape */ \
    X(BAD_CHECK, "bad_check")    /* right shape, wrong check digit */ \
    X(PSEUDO, "pseudo")          /* ZZ99: no fixed abode, not known, abroad */ \
    X(UNKNOWN, "unknown")        /* well formed, not in the directory */ \
    X(OUTSIDE, "outside")        /* a real place outside England */ \
    X(TEST_RANGE, "test_range")  /* NHS numbers 999 000 0000 to 999 999 9999, never issued */ \
    X(OK, "ok")

#define RFL_X(name, word) RFL_STATUS_##name,
RFL_WORD_ENUM(STATUS, status, RFL_STATUS_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_CLOCK_##name,
RFL_WORD_ENUM(CLOCK, clock, RFL_CLOCK_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_HOLD_##name,
RFL_WORD_ENUM(HOLD, hold, RFL_HOLD_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_DECLINE_##name,
RFL_WORD_ENUM(DECLINE, decline, RFL_DECLINE_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_CLOSE_##name,
RFL_WORD_ENUM(CLOSE, close, RFL_CLOSE_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_WITHDRAW_##name,
RFL_WORD_ENUM(WITHDRAW, withdraw, RFL_WITHDRAW_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_NOTIFY_##name,
RFL_WORD_ENUM(NOTIFY, notify, RFL_NOTIFY_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_DISCLOSED_##name,
RFL_WORD_ENUM(DISCLOSED, disclosed, RFL_DISCLOSED_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_TELL_##name,
RFL_WORD_ENUM(TELL, tell, RFL_TELL_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_QUEUE_MODE_##name,
RFL_WORD_ENUM(QUEUE_MODE, queue_mode, RFL_QUEUE_MODE_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_BARRIER_GROUP_##name,
RFL_WORD_ENUM(BARRIER_GROUP, barrier_group, RFL_BARRIER_GROUP_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_MATCH_##name,
RFL_WORD_ENUM(MATCH, match, RFL_MATCH_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_CHANNEL_##name,
RFL_WORD_ENUM(CHANNEL, channel, RFL_CHANNEL_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_RETENTION_##name,
RFL_WORD_ENUM(RETENTION, retention, RFL_RETENTION_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_OUTCOME_##name,
RFL_WORD_ENUM(OUTCOME, outcome, RFL_OUTCOME_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_BAND_##name,
RFL_WORD_ENUM(BAND, band, RFL_BAND_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_CONSENT_##name,
RFL_WORD_ENUM(CONSENT, consent, RFL_CONSENT_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_EMPLOYMENT_##name,
RFL_WORD_ENUM(EMPLOYMENT, employment, RFL_EMPLOYMENT_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_KEY_##name,
RFL_WORD_ENUM(KEY, key, RFL_KEY_LIST(RFL_X))
#undef RFL_X
#define RFL_X(name, word) RFL_GRADE_##name,
RFL_WORD_ENUM(GRADE, grade, RFL_GRADE_LIST(RFL_X))
#undef RFL_X

/* Bits of rfl_facts.flags and of an offer's preview: a worker sees them first, no log ever does. */
enum { RFL_FLAG_SAFEGUARDING = 1, RFL_FLAG_INCIDENT = 2, RFL_FLAG_INTERPRETER = 4, RFL_FLAG_STEP_FREE = 8 };

/* The Labour Force Survey's main health problem is 1 to 18. */
enum { RFL_BARRIER_MAX = 18 };
/* The group of a main barrier: 1 to 3 (arms or hands, legs or feet, back or neck) musculoskeletal; 12 and 15
 * (depression or anxiety, mental illness) mental health; 9 heart, blood pressure or circulation; 14 learning
 * difficulties; 18 autism; 0 none; the rest other. */
enum rfl_barrier_group rfl_barrier_group_of(uint8_t main_barrier);

#endif
