/* rfl_wire_rows.h: how a row of a table is written. Included by the two files with tables in them.
 *
 * Before a table, PB names its generated struct, CORE the struct its offsets count from and PREFIX what its paths begin
 * with. Arguments in order: field number, field name, member of CORE, limits, flags. */
#ifndef RFL_WIRE_ROWS_H
#define RFL_WIRE_ROWS_H

#include "rfl_wire_table.h"

#define RFL_ROW(number_, name_, ...) \
    { .number = number_, .name = #name_, .path = { (const uint8_t *)PREFIX #name_, sizeof PREFIX #name_ - 1 }, \
      .pb = offsetof(PB, name_), __VA_ARGS__ }
#define RFL_AT(member_) .at = offsetof(CORE, member_), .member = #member_
#define RFL_PLAIN(number_, name_, type_, member_, ...) \
    RFL_ROW(number_, name_, .type = RFL__WIRE_##type_, .pb_has = offsetof(PB, has_##name_), RFL_AT(member_), \
            __VA_ARGS__)

#define ROW_STRING(number_, name_, member_, limit_, flags_) \
    RFL_ROW(number_, name_, .type = RFL__WIRE_STRING, RFL_AT(member_), .limit = limit_, .flags = flags_)
/* `operator` is a word of C++, and the generator of C structs spells it so. */
#define ROW_OPERATOR(number_) \
    { .number = number_, .name = "operator", .type = RFL__WIRE_STRING, .pb = offsetof(PB, operator_), \
      .path = { (const uint8_t *)PREFIX "operator", sizeof PREFIX "operator" - 1 }, RFL_AT(operator_name), \
      .limit = RFL_NAME_BYTES_MAX }
#define ROW_BYTES(number_, name_, member_, limit_, flags_) \
    RFL_PLAIN(number_, name_, BYTES, member_, .limit = limit_, .flags = flags_)
#define ROW_ENUM(number_, name_, member_, lower, flags_) \
    RFL_PLAIN(number_, name_, ENUM, member_, .words = &referrald__v1__##lower##__descriptor, .flags = flags_)
#define ROW_BITS(number_, name_, member_, lower, flags_) \
    RFL_ROW(number_, name_, .type = RFL__WIRE_BITS, .pb_has = offsetof(PB, n_##name_), RFL_AT(member_), \
            .words = &referrald__v1__##lower##__descriptor, .flags = flags_)
#define ROW_BOOL(number_, name_, member_) RFL_PLAIN(number_, name_, BOOL, member_, .flags = 0)
#define ROW_FLAG(number_, name_, member_, bit) RFL_PLAIN(number_, name_, FLAG, member_, .limit = bit)
#define ROW_U8(number_, name_, member_, most, flags_) \
    RFL_PLAIN(number_, name_, U8, member_, .limit = most, .flags = flags_)
#define ROW_U32(number_, name_, member_, most, flags_) \
    RFL_PLAIN(number_, name_, U32, member_, .limit = most, .flags = flags_)
#define ROW_U64(number_, name_, member_, flags_) RFL_PLAIN(number_, name_, U64, member_, .flags = flags_)
#define ROW_I64(number_, name_, member_, flags_) RFL_PLAIN(number_, name_, I64, member_, .flags = flags_)
#define ROW_CODE(number_, name_, type_) RFL_ROW(number_, name_, .type = RFL__WIRE_##type_, .at = CODE_AT)
#define ROW_MESSAGE(number_, name_, at_, table, flags_) \
    RFL_ROW(number_, name_, .type = RFL__WIRE_MESSAGE, .at = at_, .sub = &table, .flags = flags_)
#define ROW_TOKEN(number_, member_, flags_) \
    ROW_MESSAGE(number_, token, offsetof(CORE, member_), rfl__wire_token, flags_)
#define ROW_STRINGS(number_, name_, member_, count, limit_, bytes_) \
    RFL_ROW(number_, name_, .type = RFL__WIRE_STRINGS, .pb_has = offsetof(PB, n_##name_), \
            RFL_AT(member_), .count_at = offsetof(CORE, count), .limit = limit_, .item_bytes = bytes_)
#define ROW_WORDS(number_, name_, member_, count, limit_, bytes_) \
    RFL_ROW(number_, name_, .type = RFL__WIRE_WORDS, .pb_has = offsetof(PB, n_##name_), \
            RFL_AT(member_), .count_at = offsetof(CORE, count), .limit = limit_, .item_bytes = bytes_)
#define ROW_MESSAGES(number_, name_, member_, count, item, table) \
    RFL_ROW(number_, name_, .type = RFL__WIRE_MESSAGES, .pb_has = offsetof(PB, n_##name_), \
            RFL_AT(member_), .count_at = offsetof(CORE, count), .limit = ITEMS_MAX, \
            .item_bytes = sizeof(item), .sub = &table)

#define RFL_TABLE(storage, name_, lower) \
    storage const struct rfl__wire_table name_ = { \
        name_##_rows, sizeof name_##_rows / sizeof name_##_rows[0], &referrald__v1__##lower##__descriptor }

enum { ITEMS_MAX = 4096 };      /* of a repeated sub-message; the arena's cap says no earlier when they are large */

extern const struct rfl__wire_table rfl__wire_token;

#endif
