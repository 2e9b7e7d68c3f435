
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the labels of character sets, and a converter for each set.  Called by
 * mime_charset.c.  Invariant: a label of a message reaches no function of
 * iconv, and no converter is opened twice.
 *
 * The labels are those of the encoding standard of WHATWG, and some that it
 * leaves out because browsers need them no more.  A label often means a larger
 * set than its name says: gb2312 is GB 18030, and iso-8859-1 is windows-1252.
 */


#include "mime_label.h"
#include "bridge.h"

#include <errno.h>
#include <string.h>


#define MIME_MAX_LABEL  40


enum {
    MIME_UTF_8,
    MIME_ASCII,
    MIME_IBM866,
    MIME_LATIN2,
    MIME_LATIN3,
    MIME_LATIN4,
    MIME_CYRILLIC,
    MIME_ARABIC,
    MIME_GREEK,
    MIME_HEBREW,
    MIME_LATIN6,
    MIME_LATIN7,
    MIME_LATIN8,
    MIME_LATIN9,
    MIME_LATIN10,
    MIME_KOI8_R,
    MIME_KOI8_U,
    MIME_MACINTOSH,
    MIME_MAC_CYRILLIC,
    MIME_CP874,
    MIME_CP1250,
    MIME_CP1251,
    MIME_CP1252,
    MIME_CP1253,
    MIME_CP1254,
    MIME_CP1255,
    MIME_CP1256,
    MIME_CP1257,
    MIME_CP1258,
    MIME_GB18030,
    MIME_BIG5,
    MIME_EUC_JP,
    MIME_ISO_2022_JP,
    MIME_SHIFT_JIS,
    MIME_EUC_KR,
    MIME_UTF_16,
    MIME_UTF_16LE,
    MIME_UTF_16BE,
    MIME_UTF_7,
    MIME_UTF_32,
    MIME_UTF_32LE,
    MIME_UTF_32BE,
    MIME_ISO_2022_KR,
    MIME_ISO_2022_CN,
    MIME_ISO_2022_JP_2,
    MIME_ISO_2022_JP_3,
    MIME_EUC_TW,
    MIME_CP437,
    MIME_CP850,
    MIME_CP852,
    MIME_CP858,
    MIME_CP862,
    MIME_VISCII,
    MIME_TCVN,
    MIME_MAC_CE,
    MIME_SETS
};


static mime_set_t  mime_sets[MIME_SETS] = {
    [MIME_UTF_8] = { .name = "UTF-8", .read = MIME_READ_UTF8 },
    [MIME_ASCII] = { .name = "CP1252", .read = MIME_READ_ASCII },
    [MIME_IBM866] = { .name = "IBM866" },
    [MIME_LATIN2] = { .name = "ISO-8859-2" },
    [MIME_LATIN3] = { .name = "ISO-8859-3" },
    [MIME_LATIN4] = { .name = "ISO-8859-4" },
    [MIME_CYRILLIC] = { .name = "ISO-8859-5" },
    [MIME_ARABIC] = { .name = "ISO-8859-6" },
    [MIME_GREEK] = { .name = "ISO-8859-7" },
    [MIME_HEBREW] = { .name = "ISO-8859-8" },
    [MIME_LATIN6] = { .name = "ISO-8859-10" },
    [MIME_LATIN7] = { .name = "ISO-8859-13" },
    [MIME_LATIN8] = { .name = "ISO-8859-14" },
    [MIME_LATIN9] = { .name = "ISO-8859-15" },
    [MIME_LATIN10] = { .name = "ISO-8859-16" },
    [MIME_KOI8_R] = { .name = "KOI8-R" },
    [MIME_KOI8_U] = { .name = "KOI8-U" },
    [MIME_MACINTOSH] = { .name = "MACINTOSH" },
    [MIME_MAC_CYRILLIC] = { .name = "MAC-UK" },
    [MIME_CP874] = { .name = "CP874" },
    [MIME_CP1250] = { .name = "CP1250" },
    [MIME_CP1251] = { .name = "CP1251" },
    [MIME_CP1252] = { .name = "CP1252" },
    [MIME_CP1253] = { .name = "CP1253" },
    [MIME_CP1254] = { .name = "CP1254" },
    [MIME_CP1255] = { .name = "CP1255" },
    [MIME_CP1256] = { .name = "CP1256" },
    [MIME_CP1257] = { .name = "CP1257" },
    [MIME_CP1258] = { .name = "CP1258" },
    [MIME_GB18030] = { .name = "GB18030", .unit = MIME_LEAD_BYTE },
    [MIME_BIG5] = { .name = "BIG5-HKSCS", .unit = MIME_LEAD_BYTE },
    [MIME_EUC_JP] = { .name = "EUC-JP-MS", .unit = MIME_LEAD_BYTE },
    [MIME_ISO_2022_JP] = { .name = "EUC-JP-MS",
        .unit = MIME_LEAD_BYTE, .read = MIME_READ_ISO_2022_JP },
    [MIME_SHIFT_JIS] = { .name = "CP932", .unit = MIME_LEAD_BYTE },
    [MIME_EUC_KR] = { .name = "UHC", .unit = MIME_LEAD_BYTE },
    [MIME_UTF_16] = { .name = "UTF-16", .unit = MIME_TWO_BYTE },
    [MIME_UTF_16LE] = { .name = "UTF-16LE", .unit = MIME_TWO_BYTE },
    [MIME_UTF_16BE] = { .name = "UTF-16BE", .unit = MIME_TWO_BYTE },
    [MIME_UTF_7] = { .name = "UTF-7" },
    [MIME_UTF_32] = { .name = "UTF-32", .unit = MIME_FOUR_BYTE },
    [MIME_UTF_32LE] = { .name = "UTF-32LE", .unit = MIME_FOUR_BYTE },
    [MIME_UTF_32BE] = { .name = "UTF-32BE", .unit = MIME_FOUR_BYTE },
    [MIME_ISO_2022_KR] = { .name = "ISO-2022-KR" },
    [MIME_ISO_2022_CN] = { .name = "ISO-2022-CN-EXT" },
    [MIME_ISO_2022_JP_2] = { .name = "ISO-2022-JP-2" },
    [MIME_ISO_2022_JP_3] = { .name = "ISO-2022-JP-3" },
    [MIME_EUC_TW] = { .name = "EUC-TW", .unit = MIME_LEAD_BYTE },
    [MIME_CP437] = { .name = "CP437" },
    [MIME_CP850] = { .name = "CP850" },
    [MIME_CP852] = { .name = "CP852" },
    [MIME_CP858] = { .name = "CP858" },
    [MIME_CP862] = { .name = "CP862" },
    [MIME_VISCII] = { .name = "VISCII" },
    [MIME_TCVN] = { .name = "TCVN" },
    [MIME_MAC_CE] = { .name = "MAC-CENTRALEUROPE" },
};


/* In the order of bytes. */

static const struct {
    const char  *label;
    int          set;
} mime_labels[] = {
    { "437", MIME_CP437 },
    { "850", MIME_CP850 },
    { "852", MIME_CP852 },
    { "862", MIME_CP862 },
    { "866", MIME_IBM866 },
    { "ansi_x3.4-1968", MIME_ASCII },
    { "arabic", MIME_ARABIC },
    { "ascii", MIME_ASCII },
    { "asmo-708", MIME_ARABIC },
    { "big5", MIME_BIG5 },
    { "big5-hkscs", MIME_BIG5 },
    { "chinese", MIME_GB18030 },
    { "cn-big5", MIME_BIG5 },
    { "cp1250", MIME_CP1250 },
    { "cp1251", MIME_CP1251 },
    { "cp1252", MIME_CP1252 },
    { "cp1253", MIME_CP1253 },
    { "cp1254", MIME_CP1254 },
    { "cp1255", MIME_CP1255 },
    { "cp1256", MIME_CP1256 },
    { "cp1257", MIME_CP1257 },
    { "cp1258", MIME_CP1258 },
    { "cp437", MIME_CP437 },
    { "cp50220", MIME_ISO_2022_JP },
    { "cp50221", MIME_ISO_2022_JP },
    { "cp50222", MIME_ISO_2022_JP },
    { "cp65001", MIME_UTF_8 },
    { "cp819", MIME_CP1252 },
    { "cp850", MIME_CP850 },
    { "cp852", MIME_CP852 },
    { "cp858", MIME_CP858 },
    { "cp862", MIME_CP862 },
    { "cp866", MIME_IBM866 },
    { "cp932", MIME_SHIFT_JIS },
    { "cp936", MIME_GB18030 },
    { "cp949", MIME_EUC_KR },
    { "cp950", MIME_BIG5 },
    { "csbig5", MIME_BIG5 },
    { "cseuckr", MIME_EUC_KR },
    { "cseucpkdfmtjapanese", MIME_EUC_JP },
    { "csgb2312", MIME_GB18030 },
    { "csibm866", MIME_IBM866 },
    { "csiso2022jp", MIME_ISO_2022_JP },
    { "csiso2022jp2", MIME_ISO_2022_JP_2 },
    { "csiso2022kr", MIME_ISO_2022_KR },
    { "csiso58gb231280", MIME_GB18030 },
    { "csiso88596e", MIME_ARABIC },
    { "csiso88596i", MIME_ARABIC },
    { "csiso88598e", MIME_HEBREW },
    { "csiso88598i", MIME_HEBREW },
    { "csisolatin1", MIME_CP1252 },
    { "csisolatin2", MIME_LATIN2 },
    { "csisolatin3", MIME_LATIN3 },
    { "csisolatin4", MIME_LATIN4 },
    { "csisolatin5", MIME_CP1254 },
    { "csisolatin6", MIME_LATIN6 },
    { "csisolatin9", MIME_LATIN9 },
    { "csisolatinarabic", MIME_ARABIC },
    { "csisolatincyrillic", MIME_CYRILLIC },
    { "csisolatingreek", MIME_GREEK },
    { "csisolatinhebrew", MIME_HEBREW },
    { "cskoi8r", MIME_KOI8_R },
    { "csksc56011987", MIME_EUC_KR },
    { "csmacintosh", MIME_MACINTOSH },
    { "csshiftjis", MIME_SHIFT_JIS },
    { "csunicode", MIME_UTF_16 },
    { "csviscii", MIME_VISCII },
    { "cyrillic", MIME_CYRILLIC },
    { "dos-862", MIME_CP862 },
    { "dos-874", MIME_CP874 },
    { "ecma-114", MIME_ARABIC },
    { "ecma-118", MIME_GREEK },
    { "elot_928", MIME_GREEK },
    { "euc-jp", MIME_EUC_JP },
    { "euc-kr", MIME_EUC_KR },
    { "euc-tw", MIME_EUC_TW },
    { "eucjp", MIME_EUC_JP },
    { "eucjp-ms", MIME_EUC_JP },
    { "eucjp-win", MIME_EUC_JP },
    { "gb18030", MIME_GB18030 },
    { "gb2312", MIME_GB18030 },
    { "gb_2312", MIME_GB18030 },
    { "gb_2312-80", MIME_GB18030 },
    { "gbk", MIME_GB18030 },
    { "greek", MIME_GREEK },
    { "greek8", MIME_GREEK },
    { "hebrew", MIME_HEBREW },
    { "ibm00858", MIME_CP858 },
    { "ibm437", MIME_CP437 },
    { "ibm819", MIME_CP1252 },
    { "ibm850", MIME_CP850 },
    { "ibm852", MIME_CP852 },
    { "ibm862", MIME_CP862 },
    { "ibm866", MIME_IBM866 },
    { "iso-10646-ucs-2", MIME_UTF_16 },
    { "iso-10646-ucs-4", MIME_UTF_32BE },
    { "iso-2022-cn", MIME_ISO_2022_CN },
    { "iso-2022-cn-ext", MIME_ISO_2022_CN },
    { "iso-2022-jp", MIME_ISO_2022_JP },
    { "iso-2022-jp-1", MIME_ISO_2022_JP },
    { "iso-2022-jp-2", MIME_ISO_2022_JP_2 },
    { "iso-2022-jp-3", MIME_ISO_2022_JP_3 },
    { "iso-2022-jp-ms", MIME_ISO_2022_JP },
    { "iso-2022-kr", MIME_ISO_2022_KR },
    { "iso-8859-1", MIME_CP1252 },
    { "iso-8859-10", MIME_LATIN6 },
    { "iso-8859-11", MIME_CP874 },
    { "iso-8859-13", MIME_LATIN7 },
    { "iso-8859-14", MIME_LATIN8 },
    { "iso-8859-15", MIME_LATIN9 },
    { "iso-8859-16", MIME_LATIN10 },
    { "iso-8859-2", MIME_LATIN2 },
    { "iso-8859-3", MIME_LATIN3 },
    { "iso-8859-4", MIME_LATIN4 },
    { "iso-8859-5", MIME_CYRILLIC },
    { "iso-8859-6", MIME_ARABIC },
    { "iso-8859-6-e", MIME_ARABIC },
    { "iso-8859-6-i", MIME_ARABIC },
    { "iso-8859-7", MIME_GREEK },
    { "iso-8859-8", MIME_HEBREW },
    { "iso-8859-8-e", MIME_HEBREW },
    { "iso-8859-8-i", MIME_HEBREW },
    { "iso-8859-9", MIME_CP1254 },
    { "iso-ir-100", MIME_CP1252 },
    { "iso-ir-101", MIME_LATIN2 },
    { "iso-ir-109", MIME_LATIN3 },
    { "iso-ir-110", MIME_LATIN4 },
    { "iso-ir-126", MIME_GREEK },
    { "iso-ir-127", MIME_ARABIC },
    { "iso-ir-138", MIME_HEBREW },
    { "iso-ir-144", MIME_CYRILLIC },
    { "iso-ir-148", MIME_CP1254 },
    { "iso-ir-149", MIME_EUC_KR },
    { "iso-ir-157", MIME_LATIN6 },
    { "iso-ir-58", MIME_GB18030 },
    { "iso8859-1", MIME_CP1252 },
    { "iso8859-10", MIME_LATIN6 },
    { "iso8859-11", MIME_CP874 },
    { "iso8859-13", MIME_LATIN7 },
    { "iso8859-14", MIME_LATIN8 },
    { "iso8859-15", MIME_LATIN9 },
    { "iso8859-2", MIME_LATIN2 },
    { "iso8859-3", MIME_LATIN3 },
    { "iso8859-4", MIME_LATIN4 },
    { "iso8859-5", MIME_CYRILLIC },
    { "iso8859-6", MIME_ARABIC },
    { "iso8859-7", MIME_GREEK },
    { "iso8859-8", MIME_HEBREW },
    { "iso8859-9", MIME_CP1254 },
    { "iso88591", MIME_CP1252 },
    { "iso885910", MIME_LATIN6 },
    { "iso885911", MIME_CP874 },
    { "iso885913", MIME_LATIN7 },
    { "iso885914", MIME_LATIN8 },
    { "iso885915", MIME_LATIN9 },
    { "iso88592", MIME_LATIN2 },
    { "iso88593", MIME_LATIN3 },
    { "iso88594", MIME_LATIN4 },
    { "iso88595", MIME_CYRILLIC },
    { "iso88596", MIME_ARABIC },
    { "iso88597", MIME_GREEK },
    { "iso88598", MIME_HEBREW },
    { "iso88599", MIME_CP1254 },
    { "iso_8859-1", MIME_CP1252 },
    { "iso_8859-15", MIME_LATIN9 },
    { "iso_8859-1:1987", MIME_CP1252 },
    { "iso_8859-2", MIME_LATIN2 },
    { "iso_8859-2:1987", MIME_LATIN2 },
    { "iso_8859-3", MIME_LATIN3 },
    { "iso_8859-3:1988", MIME_LATIN3 },
    { "iso_8859-4", MIME_LATIN4 },
    { "iso_8859-4:1988", MIME_LATIN4 },
    { "iso_8859-5", MIME_CYRILLIC },
    { "iso_8859-5:1988", MIME_CYRILLIC },
    { "iso_8859-6", MIME_ARABIC },
    { "iso_8859-6:1987", MIME_ARABIC },
    { "iso_8859-7", MIME_GREEK },
    { "iso_8859-7:1987", MIME_GREEK },
    { "iso_8859-8", MIME_HEBREW },
    { "iso_8859-8:1988", MIME_HEBREW },
    { "iso_8859-9", MIME_CP1254 },
    { "iso_8859-9:1989", MIME_CP1254 },
    { "koi", MIME_KOI8_R },
    { "koi8", MIME_KOI8_R },
    { "koi8-r", MIME_KOI8_R },
    { "koi8-ru", MIME_KOI8_U },
    { "koi8-u", MIME_KOI8_U },
    { "koi8_r", MIME_KOI8_R },
    { "korean", MIME_EUC_KR },
    { "ks_c_5601-1987", MIME_EUC_KR },
    { "ks_c_5601-1989", MIME_EUC_KR },
    { "ksc5601", MIME_EUC_KR },
    { "ksc_5601", MIME_EUC_KR },
    { "l1", MIME_CP1252 },
    { "l2", MIME_LATIN2 },
    { "l3", MIME_LATIN3 },
    { "l4", MIME_LATIN4 },
    { "l5", MIME_CP1254 },
    { "l6", MIME_LATIN6 },
    { "l9", MIME_LATIN9 },
    { "latin1", MIME_CP1252 },
    { "latin2", MIME_LATIN2 },
    { "latin3", MIME_LATIN3 },
    { "latin4", MIME_LATIN4 },
    { "latin5", MIME_CP1254 },
    { "latin6", MIME_LATIN6 },
    { "logical", MIME_HEBREW },
    { "mac", MIME_MACINTOSH },
    { "macintosh", MIME_MACINTOSH },
    { "ms932", MIME_SHIFT_JIS },
    { "ms936", MIME_GB18030 },
    { "ms949", MIME_EUC_KR },
    { "ms_kanji", MIME_SHIFT_JIS },
    { "shift-jis", MIME_SHIFT_JIS },
    { "shift_jis", MIME_SHIFT_JIS },
    { "sjis", MIME_SHIFT_JIS },
    { "sun_eu_greek", MIME_GREEK },
    { "tcvn", MIME_TCVN },
    { "tis-620", MIME_CP874 },
    { "ucs-2", MIME_UTF_16 },
    { "ucs-4", MIME_UTF_32BE },
    { "ujis", MIME_EUC_JP },
    { "unicode", MIME_UTF_16 },
    { "unicode-1-1-utf-7", MIME_UTF_7 },
    { "unicode-1-1-utf-8", MIME_UTF_8 },
    { "unicode11utf8", MIME_UTF_8 },
    { "unicode20utf8", MIME_UTF_8 },
    { "unicodefeff", MIME_UTF_16 },
    { "unicodefffe", MIME_UTF_16BE },
    { "us-ascii", MIME_ASCII },
    { "utf-16", MIME_UTF_16 },
    { "utf-16be", MIME_UTF_16BE },
    { "utf-16le", MIME_UTF_16LE },
    { "utf-32", MIME_UTF_32 },
    { "utf-32be", MIME_UTF_32BE },
    { "utf-32le", MIME_UTF_32LE },
    { "utf-7", MIME_UTF_7 },
    { "utf-8", MIME_UTF_8 },
    { "utf8", MIME_UTF_8 },
    { "viscii", MIME_VISCII },
    { "visual", MIME_HEBREW },
    { "windows-1250", MIME_CP1250 },
    { "windows-1251", MIME_CP1251 },
    { "windows-1252", MIME_CP1252 },
    { "windows-1253", MIME_CP1253 },
    { "windows-1254", MIME_CP1254 },
    { "windows-1255", MIME_CP1255 },
    { "windows-1256", MIME_CP1256 },
    { "windows-1257", MIME_CP1257 },
    { "windows-1258", MIME_CP1258 },
    { "windows-31j", MIME_SHIFT_JIS },
    { "windows-874", MIME_CP874 },
    { "windows-936", MIME_GB18030 },
    { "windows-949", MIME_EUC_KR },
    { "x-cp1250", MIME_CP1250 },
    { "x-cp1251", MIME_CP1251 },
    { "x-cp1252", MIME_CP1252 },
    { "x-cp1253", MIME_CP1253 },
    { "x-cp1254", MIME_CP1254 },
    { "x-cp1255", MIME_CP1255 },
    { "x-cp1256", MIME_CP1256 },
    { "x-cp1257", MIME_CP1257 },
    { "x-cp1258", MIME_CP1258 },
    { "x-euc-jp", MIME_EUC_JP },
    { "x-gbk", MIME_GB18030 },
    { "x-mac-ce", MIME_MAC_CE },
    { "x-mac-cyrillic", MIME_MAC_CYRILLIC },
    { "x-mac-roman", MIME_MACINTOSH },
    { "x-mac-ukrainian", MIME_MAC_CYRILLIC },
    { "x-sjis", MIME_SHIFT_JIS },
    { "x-unicode-2-0-utf-7", MIME_UTF_7 },
    { "x-unicode20utf8", MIME_UTF_8 },
    { "x-x-big5", MIME_BIG5 },
};


void
mime_label_init(void)
{
    int  i;

    for (i = 0; i < MIME_SETS; i++) {
        mime_label_open(&mime_sets[i]);
    }
}


mime_set_t *
mime_label_find(const char *label, size_t len)
{
    int     order;
    char    name[MIME_MAX_LABEL + 1];
    size_t  low, high, middle;

    while (len && (unsigned char) *label <= ' ') {
        label++;
        len--;
    }

    while (len && (unsigned char) label[len - 1] <= ' ') {
        len--;
    }

    if (len == 0 || len > MIME_MAX_LABEL || memchr(label, '\0', len)) {
        return NULL;
    }

    memcpy(name, label, len);
    name[len] = '\0';

    low = 0;
    high = sizeof(mime_labels) / sizeof(mime_labels[0]);

    while (low < high) {
        middle = (low + high) / 2;
        order = g_ascii_strcasecmp(name, mime_labels[middle].label);

        if (order == 0) {
            return &mime_sets[mime_labels[middle].set];
        }

        if (order < 0) {
            high = middle;

        } else {
            low = middle + 1;
        }
    }

    return NULL;
}


iconv_t
mime_label_open(mime_set_t *set)
{
    if (!set->opened) {
        set->opened = 1;
        set->cd = iconv_open("UTF-8", set->name);

        if (set->cd == (iconv_t) -1 && errno == ENOMEM) {
            bridge_memory_none("a character set");
        }

    } else if (set->cd != (iconv_t) -1) {
        iconv(set->cd, NULL, NULL, NULL, NULL);
    }

    return set->cd;
}
