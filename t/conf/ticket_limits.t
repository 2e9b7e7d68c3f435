#!/usr/bin/perl

# "nginx -t" warns if a location issues tickets that have other limits than the
# tokens with which pages get them, and another location takes these tickets.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new(mode => '');
my $key = 'pimap_token_key ' . Pimap::Token->new($t)->jwks('keys.json',
    'ec256') . ';';
my $both = 'pimap_login token ticket;';
my ($one, $two) = map {
    $t->write_file($t->dir() . "/key$_", "secret $_ " x 4);
    'pimap_ticket_key ' . $t->dir() . "/key$_;"
} 1, 2;

# Directives of the location with "pimap_events", of that with "pimap_ticket",
# and those that the warnings name.

my @cases = (
    ['events for one device',
        "$both pimap_token_device_claim dev;", '', 'device_claim'],
    ['events of certain types',
        "$both pimap_token_types_claim types;", '', 'types_claim'],
    ['updates from a list',
        "$both pimap_token_updates_claim may;", '', 'updates_claim'],
    ['a limit of tickets alone',
        $both, 'pimap_token_types_claim types;', 'types_claim'],
    ['one limit by two claims', "$both pimap_token_types_claim types;",
        'pimap_token_types_claim scope;', 'types_claim'],
    ['two limits', "$both pimap_token_types_claim a;"
        . ' pimap_token_device_claim b;', '', 'device_claim', 'types_claim'],
    ['an account by another claim', $both, 'pimap_token_claim mail;', 'claim'],
    ['an issuer', "$both pimap_token_issuer a;", '', 'issuer'],
    ['an audience', "$both pimap_token_audience a;", '', 'audience'],
    ['an issuer of tickets alone', $both, 'pimap_token_issuer a;'],
    ['tokens of two issuers', "$both pimap_token_issuer a;"
        . ' pimap_token_types_claim types;', 'pimap_token_issuer b;'],
    ['tokens for two audiences', "$both pimap_token_audience a;"
        . ' pimap_token_types_claim types;', 'pimap_token_audience b;'],
    ['the same limits', "$both pimap_token_types_claim types;",
        'pimap_token_types_claim types;'],
    ['no tickets are taken', 'pimap_login token;'
        . ' pimap_token_types_claim types;', ''],
    ['tickets for passwords', "$both pimap_token_types_claim types;",
        'pimap_login nginx; pimap_account $arg_a;'],
    ['tickets only, the ticket is limited', 'pimap_login ticket;',
        'pimap_token_types_claim types; pimap_token_claim mail;'],
    ['another key', "$both $one pimap_token_types_claim types;", $two],
    ['the key of the zone, and a file',
        "$both $one pimap_token_types_claim types;", ''],
    ['an older key', "$both $two $one pimap_token_types_claim types;", $one,
        'types_claim'],
    ['an older key of the tickets',
        "$both $two pimap_token_types_claim types;", "$one $two"],
);

$t->plan(2 * @cases + 6);

for (@cases) {
    my ($name, $events, $ticket, @named) = @$_;
    my ($ok, @warnings) = check("$key pimap_login token;",
        "location /e { $events pimap_events; }\n"
        . "location /t { $ticket pimap_ticket; }");

    ok($ok, "$name: accepted");
    is(join(' ', map { /"pimap_token_(\w+)" is / ? $1 : $_ } @warnings),
        "@named", '    ' . (@named ? 'with a warning' : 'without a warning'));
}

# Claims of the server that only other locations have.

my ($ok, @warnings) = check("$key pimap_token_types_claim types;",
    "location /e { pimap_login ticket; pimap_events; }\n"
    . 'location /t { pimap_login token; pimap_token_types_claim scope;'
    . ' pimap_ticket; }');
is(scalar(@warnings), 1, 'a claim of the server, another for tickets: warns');
my $place = qr/nginx\.conf:\d+/;
like($warnings[0], qr/"scope" [^"]*"pimap_ticket" in \S*$place, and "types" /,
    '    names the value and place of the tickets');
like($warnings[0], qr/"types" in [^"]*"pimap_events" in \S*$place,/,
    '    and those of their location');

($ok, @warnings) = check("$key pimap_token_types_claim types;",
    "location /e { $both pimap_events; }\n"
    . 'location /t { pimap_login token; pimap_ticket; }');
is("@warnings", '', 'claims of the server: no warning');

($ok, @warnings) = check("$key $both", join("\n", map({
    "location /e$_ { pimap_token_types_claim types; pimap_events; }" } 1 .. 3),
    'location /t { pimap_ticket; if ($arg_x) { set $y 1; } }'));
is(scalar(@warnings), 1, 'three locations take the tickets: one warning');

($ok, @warnings) = check("$key $both", 'location /e {'
    . ' pimap_token_types_claim types; pimap_events; }');
is(join(' ', map { /: (no location issues such tickets)/ ? $1 : $_ }
    @warnings), 'no location issues such tickets', 'no location with tickets');


sub check {
    my ($server, $locations) = @_;

    my $nginx = $t->nginx();

    local @$nginx{qw(server locations)} = ($server, $locations);

    my ($ok, $text) = $nginx->check();

    return ($ok, grep { /\[warn\]/ } split(/\n/, $text));
}
