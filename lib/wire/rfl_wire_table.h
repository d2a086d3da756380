/* rfl_wire_table.h: which field of which message is which member of which struct. Internal to lib/wire.
 *
 * One table a message, read by the decoder, the encoder, JSON and the tests, so that none of them can disagree with
 * another. Field numbers and names are written here once more beside those of referral.proto; test_wire compares every
 * row with the generated descriptors, and every descriptor with the rows. */
#ifndef RFL_WIRE_TABLE_H
#define RFL_WIRE_TABLE_H

#include "referral.pb-c.h"
#include "rfl_message.h"

enum rfl__wire_type {
    RFL__WIRE_STRING,       /* struct rfl_view; limit: bytes */
    RFL__WIRE_BYTES,        /* struct rfl_view; limit: bytes */
    RFL__WIRE_ENUM,         /* uint8_t; words: its descriptor */
    RFL__WIRE_BOOL,         /* bool */
    RFL__WIRE_FLAG,         /* bool on the wire, the bit `limit` of a uint32_t here */
    RFL__WIRE_U8,           /* uint8_t, on the wire a uint32; limit: largest value */
    RFL__WIRE_U32,          /* uint32_t; limit: largest value, 0 any */
    RFL__WIRE_U64,          /* uint64_t */
    RFL__WIRE_I64,          /* int64_t, ms since 1970 UTC, not negative */
    RFL__WIRE_MESSAGE,      /* sub: its table, whose offsets count from `at` */
    RFL__WIRE_STRINGS,      /* const struct rfl_view *, and uint32_t at count_at; limit: items; item_bytes: of one */
    RFL__WIRE_WORDS,        /* the same, but struct rfl_view[limit] inside the struct */
    RFL__WIRE_MESSAGES,     /* const struct *, and uint32_t at count_at; limit: items; item_bytes: sizeof one; sub */
    RFL__WIRE_BITS,         /* uint8_t, on the wire an enum value for each bit 1 << value; words */
    RFL__WIRE_BY_STATUS,    /* uint64_t[RFL_STATUS_COUNT], on the wire a StatusCount for each that is not 0 */
    RFL__WIRE_CODE_TEXT,    /* said by the code at `at`, so only written: */
    RFL__WIRE_CODE_REMEDY,
    RFL__WIRE_CODE_RETRY
};

enum {
    RFL__WIRE_REQUIRED = 1,     /* absent, empty or 0 is a finding */
    RFL__WIRE_LINES = 2,        /* free text: tab, line feed and carriage return are allowed */
    RFL__WIRE_LENIENT = 4,      /* what cannot be understood is a warning and read as not stated (promise P2) */
    RFL__WIRE_RAW = 16,         /* bytes that are no Referral: hexadecimal in JSON */
    RFL__WIRE_STATED = 8        /* of a required enum whose 0 is a choice: absent is a finding, 0 is not */
};

struct rfl__wire_table;

struct rfl__wire_row {
    const char *name, *member;                      /* the protocol's name; the member's, which tests compare */
    struct rfl_view path;                           /* as findings say it */
    uint16_t number;
    uint8_t type, flags;                            /* enum rfl__wire_type; RFL__WIRE_REQUIRED ... */
    uint16_t pb, pb_has;                            /* offsets in the generated struct: the field; its has_ or n_ */
    uint16_t at, count_at;                          /* offsets in ours; count_at of an enum: its has_ member, 0 none */
    uint32_t limit, item_bytes;
    const ProtobufCEnumDescriptor *words;
    const struct rfl__wire_table *sub;
};

struct rfl__wire_table {
    const struct rfl__wire_row *rows;               /* in the order of their numbers */
    uint32_t rows_count;
    const ProtobufCMessageDescriptor *descriptor;
};

/* (NAME, name, field number in Envelope). AdminStatus (80), PolicyList (123), KeyShow (133) and Pong (57) have no
 * fields and stand apart. */
#define RFL__WIRE_ASKS(X) \
    X(SUBMIT, submit, 10) X(VALIDATE, validate, 13) X(STATUS_QUERY, status_query, 15) \
    X(MAILBOX_OPEN, mailbox_open, 17) X(FEEDBACK_ACK, feedback_ack, 20) X(RECONCILE, reconcile, 22) \
    X(AMEND, amend, 24) X(WITHDRAW, withdraw, 25) \
    X(SUBSCRIBE, subscribe, 40) X(ACCEPT, accept, 43) X(DECLINE, decline, 45) X(REDIRECT, redirect, 46) \
    X(DEFER, defer, 47) X(TOUCH, touch, 48) X(CONTACTED, contacted, 49) X(STARTED, started, 50) \
    X(OUTCOME, outcome, 51) X(CLOSE, close, 52) X(GOODBYE, goodbye, 54) X(PING, ping, 56) \
    X(QUEUE_LIST, queue_list, 82) X(LIST, list, 84) X(SHOW, show, 86) X(EXPLAIN, explain, 88) \
    X(PLACE, place, 90) X(SEND_BACK, send_back, 91) X(HOLD, hold, 92) X(RELEASE, release, 93) X(SHUT, shut, 94) \
    X(LINK, link, 95) X(UNLINK, unlink, 96) X(QUEUE_SET, queue_set, 97) \
    X(AUDIT_READ, audit_read, 101) X(REVEAL, reveal, 103) X(SUBJECT_FIND, subject_find, 105) \
    X(TOLD_QUERY, told_query, 107) X(SUBJECT_ERASE, subject_erase, 109) X(SUBJECT_HOLD, subject_hold, 110) \
    X(SUBJECT_RELEASE, subject_release, 111) X(RETENTION_QUERY, retention_query, 113) \
    X(AREA_PLAN, area_plan, 116) \
    X(POLICY_LOAD, policy_load, 121) X(DECISION_QUERY, decision_query, 125) X(KEYS_RELOAD, keys_reload, 131)
#define RFL__WIRE_REPLIES(X) \
    X(RECEIPT, receipt, 11) X(REFUSAL, refusal, 12) X(VALIDATED, validated, 14) X(STATUS_REPORT, status_report, 16) \
    X(MAILBOX_OPENED, mailbox_opened, 18) X(FEEDBACK, feedback, 19) X(ACKED, acked, 21) \
    X(RECONCILED, reconciled, 23) X(CHANGED, changed, 26) X(SUBSCRIBED, subscribed, 41) X(OFFER, offer, 42) \
    X(RECORD, record, 44) X(DONE, done, 53) X(BYE, bye, 55) X(NOTICE, notice, 58) X(ADMIN_STATE, admin_state, 81) \
    X(QUEUES, queues, 83) X(CASES, cases, 85) X(SHOWN, shown, 87) X(EXPLAINED, explained, 89) X(ACTED, acted, 98) \
    X(AUDIT_PAGE, audit_page, 102) X(REVEALED, revealed, 104) X(SUBJECT_FOUND, subject_found, 106) \
    X(TOLD, told, 108) X(SUBJECT_DONE, subject_done, 112) X(RETENTION, retention, 114) \
    X(POLICY_LOADED, policy_loaded, 122) X(POLICIES, policies, 124) \
    X(DECISION, decision, 126) X(AREA_PLANNED, area_planned, 117) \
    X(KEYS_RELOADED, keys_reloaded, 132) X(KEY_SHOWN, key_shown, 134)

struct rfl__wire_message { uint16_t number; struct rfl__wire_table table; };

/* By enum rfl_message_kind; number 0 where the kind is of the other direction. Offsets of asks count from struct
 * rfl_ask, those of replies from struct rfl_reply. */
extern const struct rfl__wire_message rfl__wire_asks[RFL_MSG_COUNT], rfl__wire_replies[RFL_MSG_COUNT];
/* Offsets count from struct rfl_form. */
extern const struct rfl__wire_table rfl__wire_referral;

/* The kind whose body has this field number in Envelope; RFL_MSG_NONE when there is none. */
enum rfl_message_kind rfl__wire_kind_of(uint64_t number);

#endif
