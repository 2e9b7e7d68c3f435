
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Payloads for the test of the event codec, and the status of each.
 */


#ifndef _PAYLOADS_H_INCLUDED_
#define _PAYLOADS_H_INCLUDED_


#include "pimap_event.h"


#define S(s)        (s), sizeof(s) - 1
#define EV(rest)    "{\"event\":\"X\"" rest "}"
#define JSON(rest)  EV(",\"a\":" rest)

#define RESERVED(name)                                                       \
    { name, S("{\"event\":\"" name "\"}"), PIMAP_EVENT_BAD_NAME }

#define D8(s)       s s s s s s s s
#define D30(s)      D8(s) D8(s) D8(s) s s s s s s
#define N64         D8("abcdefgh")


typedef struct {
    const char   *name;
    const char   *payload;
    size_t        len;
    int           status;
} payload_t;


static const payload_t  payloads[] = {
    { "smallest event", S(EV("")), PIMAP_EVENT_OK },
    { "nothing", S(""), PIMAP_EVENT_BAD_JSON },
    { "white space", S(" \t\r\n"), PIMAP_EVENT_BAD_JSON },
    { "other white space", S("\f" EV("")), PIMAP_EVENT_BAD_JSON },

    /* ids */
    { "id", S("1-1 " EV("")), PIMAP_EVENT_OK },
    { "largest id", S("18446744073709551615-18446744073709551615 " EV("")),
      PIMAP_EVENT_OK },
    { "white space after the id", S("1-1  \n" EV("")), PIMAP_EVENT_OK },
    { "epoch overflows", S("18446744073709551616-1 " EV("")),
      PIMAP_EVENT_BAD_ID },
    { "epoch overflows by a digit", S("184467440737095516150-1 " EV("")),
      PIMAP_EVENT_BAD_ID },
    { "number overflows", S("1-18446744073709551616 " EV("")),
      PIMAP_EVENT_BAD_ID },
    { "epoch is zero", S("0-1 " EV("")), PIMAP_EVENT_BAD_ID },
    { "number is zero", S("1-0 " EV("")), PIMAP_EVENT_BAD_ID },
    { "epoch with leading zero", S("01-1 " EV("")), PIMAP_EVENT_BAD_ID },
    { "number with leading zero", S("1-01 " EV("")), PIMAP_EVENT_BAD_ID },
    { "no number", S("1- " EV("")), PIMAP_EVENT_BAD_ID },
    { "no hyphen", S("1 " EV("")), PIMAP_EVENT_BAD_ID },
    { "negative number", S("1--1 " EV("")), PIMAP_EVENT_BAD_ID },
    { "hexadecimal", S("1-1a " EV("")), PIMAP_EVENT_BAD_ID },
    { "no space after the id", S("1-1" EV("")), PIMAP_EVENT_BAD_ID },
    { "tab after the id", S("1-1\t" EV("")), PIMAP_EVENT_BAD_ID },
    { "ends in the epoch", S("1"), PIMAP_EVENT_BAD_ID },
    { "ends at the hyphen", S("1-"), PIMAP_EVENT_BAD_ID },
    { "ends in the number", S("1-1"), PIMAP_EVENT_BAD_ID },
    { "ends after the id", S("1-1 "), PIMAP_EVENT_BAD_JSON },
    { "space before the id", S(" 1-1 " EV("")), PIMAP_EVENT_BAD_JSON },
    { "two ids", S("1-1 1-2 " EV("")), PIMAP_EVENT_BAD_JSON },

    /* JSON */
    { "syntax", S("{\"event\":X}"), PIMAP_EVENT_BAD_JSON },
    { "single quotes", S("{'event':'X'}"), PIMAP_EVENT_BAD_JSON },
    { "trailing comma", S(EV(",")), PIMAP_EVENT_BAD_JSON },
    { "end is missing", S("{\"event\":\"X\""), PIMAP_EVENT_BAD_JSON },
    { "end of a string is missing", S("{\"event\":\"X"),
      PIMAP_EVENT_BAD_JSON },
    { "end in an escape", S("{\"event\":\"X\\"), PIMAP_EVENT_BAD_JSON },
    { "text after the object", S(EV("") "x"), PIMAP_EVENT_BAD_JSON },
    { "second object", S(EV("") "\n" EV("")), PIMAP_EVENT_BAD_JSON },
    { "bracket after the object", S(EV("") "}"), PIMAP_EVENT_BAD_JSON },
    { "byte order mark", S("\xef\xbb\xbf" EV("")), PIMAP_EVENT_BAD_JSON },
    { "array", S("[" EV("") "]"), PIMAP_EVENT_NOT_OBJECT },
    { "string", S("\"event\""), PIMAP_EVENT_NOT_OBJECT },
    { "null", S("null"), PIMAP_EVENT_NOT_OBJECT },
    { "negative number alone", S("-1"), PIMAP_EVENT_NOT_OBJECT },

    { "escapes", S(JSON("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"")),
      PIMAP_EVENT_OK },
    { "unknown escape", S(JSON("\"\\x\"")), PIMAP_EVENT_BAD_JSON },
    { "short escape", S(JSON("\"\\u00e\"")), PIMAP_EVENT_BAD_JSON },
    { "escaped name of a member", S("{\"\\u0065vent\":\"\\u0058\"}"),
      PIMAP_EVENT_OK },
    { "escaped zero in a value", S(JSON("\"\\u0000\"")), PIMAP_EVENT_OK },
    { "escaped zero in a member's name", S(EV(",\"\\u0000\":1")),
      PIMAP_EVENT_BAD_JSON },
    { "surrogate pair", S(JSON("\"\\ud83d\\ude00\"")), PIMAP_EVENT_OK },
    { "lone high surrogate", S(JSON("\"\\ud83d\"")), PIMAP_EVENT_BAD_JSON },
    { "lone low surrogate", S(JSON("\"\\ude00\"")), PIMAP_EVENT_BAD_JSON },
    { "two high surrogates", S(JSON("\"\\ud83d\\ud83d\"")),
      PIMAP_EVENT_BAD_JSON },

    { "UTF-8", S(JSON("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"")),
      PIMAP_EVENT_OK },
    { "stray continuation byte", S(JSON("\"\x80\"")), PIMAP_EVENT_BAD_JSON },
    { "cut UTF-8", S(JSON("\"\xe2\x82\"")), PIMAP_EVENT_BAD_JSON },
    { "overlong UTF-8", S(JSON("\"\xc0\xaf\"")), PIMAP_EVENT_BAD_JSON },
    { "surrogate in UTF-8", S(JSON("\"\xed\xa0\x80\"")),
      PIMAP_EVENT_BAD_JSON },
    { "beyond Unicode", S(JSON("\"\xf4\x90\x80\x80\"")),
      PIMAP_EVENT_BAD_JSON },
    { "byte 0xff", S(JSON("\"\xff\"")), PIMAP_EVENT_BAD_JSON },

    { "zero byte in a string", S(JSON("\"\0\"")), PIMAP_EVENT_BAD_JSON },
    { "zero byte after a number", S(JSON("1\0")), PIMAP_EVENT_BAD_JSON },
    { "zero byte after a literal", S(JSON("true\0")), PIMAP_EVENT_BAD_JSON },
    { "zero byte at the end", S(EV("") "\0"), PIMAP_EVENT_BAD_JSON },
    { "zero byte before the object", S("\0" EV("")), PIMAP_EVENT_BAD_JSON },
    { "line feed in a string", S(JSON("\"\n\"")), PIMAP_EVENT_BAD_JSON },
    { "escaped raw line feed", S(JSON("\"\\\n\"")), PIMAP_EVENT_BAD_JSON },
    { "tab in a string", S(JSON("\"\t\"")), PIMAP_EVENT_BAD_JSON },
    { "line break in a number", S(JSON("1\n2")), PIMAP_EVENT_BAD_JSON },
    { "line break in a literal", S(JSON("tr\nue")), PIMAP_EVENT_BAD_JSON },

    { "largest integer", S(JSON("9223372036854775807")), PIMAP_EVENT_OK },
    { "integer overflows", S(JSON("9223372036854775808")),
      PIMAP_EVENT_BAD_JSON },
    { "real overflows", S(JSON("1e999")), PIMAP_EVENT_BAD_JSON },

    { "duplicate member", S(EV(",\"event\":\"X\"")), PIMAP_EVENT_BAD_JSON },
    { "nested duplicate", S(JSON("[{\"b\":1,\"b\":1}]")),
      PIMAP_EVENT_BAD_JSON },
    { "escaped duplicate", S(JSON("{\"b\":1,\"\\u0062\":1}")),
      PIMAP_EVENT_BAD_JSON },
    { "same name on two levels", S(JSON("{\"a\":{\"a\":1}}")),
      PIMAP_EVENT_OK },

    { "depth 32, arrays", S(JSON("[" D30("[") D30("]") "]")),
      PIMAP_EVENT_OK },
    { "depth 33, arrays", S(JSON("[[" D30("[") D30("]") "]]")),
      PIMAP_EVENT_TOO_DEEP },
    { "depth 32, objects", S(JSON("{\"a\":" D30("{\"a\":") "1" D30("}") "}")),
      PIMAP_EVENT_OK },
    { "depth 33, objects",
      S(JSON("{\"a\":{\"a\":" D30("{\"a\":") "1" D30("}") "}}")),
      PIMAP_EVENT_TOO_DEEP },
    { "many, but not deep", S(JSON("[1" D30(",[]") D30(",{}") "]")),
      PIMAP_EVENT_OK },
    { "brackets in a string", S(JSON("\"" D30("[{") "\"")), PIMAP_EVENT_OK },
    { "brackets after an escaped quote", S(JSON("\"\\\"" D30("[{") "\"")),
      PIMAP_EVENT_OK },
    { "brackets after an escaped backslash",
      S(JSON("[\"\\\\\"," D30("[") "[" D30("]") "]]")),
      PIMAP_EVENT_TOO_DEEP },
    { "depth doesn't fall below zero", S("]]["), PIMAP_EVENT_BAD_JSON },

    /* names */
    { "no name", S("{}"), PIMAP_EVENT_NO_NAME },
    { "name in another case", S("{\"Event\":\"X\"}"), PIMAP_EVENT_NO_NAME },
    { "all characters of a name", S("{\"event\":\"aA.zZ_0-9\"}"),
      PIMAP_EVENT_OK },
    { "name of 64", S("{\"event\":\"" N64 "\"}"), PIMAP_EVENT_OK },
    { "name of 65", S("{\"event\":\"" N64 "x\"}"), PIMAP_EVENT_BAD_NAME },
    { "empty name", S("{\"event\":\"\"}"), PIMAP_EVENT_BAD_NAME },
    { "name is null", S("{\"event\":null}"), PIMAP_EVENT_BAD_NAME },
    { "name is a number", S("{\"event\":1}"), PIMAP_EVENT_BAD_NAME },
    { "space in a name", S("{\"event\":\"X Y\"}"), PIMAP_EVENT_BAD_NAME },
    { "line break in a name", S("{\"event\":\"X\\nY\"}"),
      PIMAP_EVENT_BAD_NAME },
    { "zero in a name", S("{\"event\":\"X\\u0000\"}"), PIMAP_EVENT_BAD_NAME },
    { "umlaut in a name", S("{\"event\":\"\xc3\xa4\"}"),
      PIMAP_EVENT_BAD_NAME },
    RESERVED("ping"), RESERVED("superseded"), RESERVED("resync"),
    RESERVED("expired"), RESERVED("state"), RESERVED("calendarAlert"),
    RESERVED("open"), RESERVED("error"), RESERVED("parked"),
    RESERVED("position"), RESERVED("retry"), RESERVED("unknown"),
    RESERVED("accepted"), RESERVED("refused"),
    { "pings", S("{\"event\":\"pings\"}"), PIMAP_EVENT_OK },
    { "\"event\" wins over \"@type\"", S(EV(",\"@type\":1")), PIMAP_EVENT_OK },
    { "unknown @type", S("{\"@type\":\"EmailPush\"}"), PIMAP_EVENT_BAD_NAME },
    { "zero in @type", S("{\"@type\":\"CalendarAlert\\u0000\"}"),
      PIMAP_EVENT_BAD_NAME },
    { "@type is not a string", S("{\"@type\":[]}"), PIMAP_EVENT_BAD_NAME },

    /* members */
    { "mailbox is null", S(EV(",\"mailbox\":null")),
      PIMAP_EVENT_BAD_MEMBER },
    { "old mailbox is a number", S(EV(",\"oldMailbox\":1")),
      PIMAP_EVENT_BAD_MEMBER },
    { "changed of other events", S(EV(",\"changed\":[1]")), PIMAP_EVENT_OK },
    { "StateChange without changed", S("{\"@type\":\"StateChange\"}"),
      PIMAP_EVENT_BAD_MEMBER },
    { "changed is an array", S("{\"@type\":\"StateChange\",\"changed\":[]}"),
      PIMAP_EVENT_BAD_MEMBER },
    { "an account is a string",
      S("{\"@type\":\"StateChange\",\"changed\":{\"a\":{},\"b\":\"\"}}"),
      PIMAP_EVENT_BAD_MEMBER }
};


#endif /* _PAYLOADS_H_INCLUDED_ */
