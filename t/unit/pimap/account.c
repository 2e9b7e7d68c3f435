
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A name of an account is UTF-8 without control characters, and does not begin
 * with "}".
 */


#include "pimap_account.h"
#include "tap.h"


#define NAME(text)  { text, sizeof(text) - 1 }


static const struct {
    const char   *text;
    size_t        len;
} good[] = {
    NAME("alice"), NAME("a"), NAME("a b"), NAME("a@b.org"), NAME("{"),
    NAME("{}"), NAME("a}"), NAME("a}b"), NAME("{a}"), NAME("~"), NAME("*"),
    NAME("Gr\xc3\xbc\xc3\x9f" "e"), NAME("\xf0\x9f\x93\xac")
}, bad[] = {
    NAME(""), NAME("}"), NAME("}b"), NAME("}}"), NAME("a\n"), NAME("\t"),
    NAME("a\0b"), NAME("\0"), NAME("\x7f"), NAME("a\x1f"), NAME("\xff"),
    NAME("a\xc3"), NAME("\xc0\xaf"), NAME("\xed\xa0\x80"),
    NAME("\xf4\x90\x80\x80")
};


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        tap_is_str(pimap_account_refusal(good[i].text, good[i].len), NULL,
                   good[i].text);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tap_ok(pimap_account_refusal(bad[i].text, bad[i].len) != NULL,
               "a bad name has a reason");
    }

    return tap_done();
}
