#!/usr/bin/perl

# "nginx -t" warns about a configuration that is valid and does not what its
# author expects: no login checks the account of a location, a server with
# "pimap_hibernate" has no TLS 1.3, or one with "pimap_tls_padding" has HTTP/3.

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
my $auth = 'auth_basic mail; auth_basic_user_file htpasswd;';
my $any = 'satisfy any; allow 127.0.0.1; deny all;';
my $none = qr/"auth_basic" and no "auth_request"/;
my $other = qr/"satisfy any" lets requests in by another rule/;

my $place = qr{location "/x" of server "mail\.example\.com" };
my $useless = qr/"pimap_hibernate" has no effect in server "mail\.ex/;

# the directives of the location, the warning
my @logins = (
    ['', $none],
    ['allow 127.0.0.1; deny all;', $none],
    ['pimap_login nginx token; ' . $key, $none],
    ['auth_basic off;', $none],
    ['auth_request off;', $none],
    [$any, $none],
    ["$any $auth", $other],
    ["$any auth_request /auth;", $other],
    ["satisfy any; $auth auth_request /auth;", $other],
    ["satisfy any; allow ::1; $auth", $other],
    ["satisfy any; deny unix:; $auth", $other],
    ["satisfy any; $auth"],
    ['satisfy any; auth_request /auth;'],
    ["satisfy all; $auth"],
    ["$auth limit_except POST { auth_basic off; }", $none],
    ["satisfy any; $auth limit_except POST { allow all; }", $other],
    ["$auth limit_except POST { deny all; }"],
    ["auth_request /auth; limit_except POST { auth_basic off; }"],
    ["limit_except POST { $auth }", $none],
    [$auth],
    ['auth_request /auth;'],
    ['pimap_account $arg_account;'],
    ['pimap_account $remote_user;'],
    ["$any pimap_account \$remote_user;"],
    ['pimap_login token; ' . $key],
);

my @endpoints = qw(events update ticket);

# ssl_protocols, the directives of the location, whether it warns
my @protocols = (
    ['TLSv1.2', 'pimap_hibernate on;', 1],
    ['TLSv1 TLSv1.1 TLSv1.2', 'pimap_hibernate on;', 1],
    ['TLSv1.2', '', 0],
    ['TLSv1.2', 'pimap_hibernate off;', 0],
    ['TLSv1.2 TLSv1.3', 'pimap_hibernate on;', 0],
    ['TLSv1.3', 'pimap_hibernate on;', 0],
);

# more of the server, the directives of the location, whether it warns; nginx
# has HTTP/3 since 1.25
my $quic = 'listen ' . $t->nginx()->quic() . ':' . $t->port('quic') . ' quic;';
my $next = "} server { $quic server_name other.example;";
my @padding = $t->nginx()->http3() ? (
    [$quic, 'pimap_tls_padding 512;', 1],
    [$quic, '', 0],
    [$quic, 'pimap_tls_padding 0;', 0],
    ['', 'pimap_tls_padding 512;', 0],
    [$next, "", 0, 'pimap_tls_padding 512;'],
) : ();

$t->plan(2 * @logins * @endpoints + 2 * @protocols + 2 * @padding + 11);

for (@logins) {
    my ($directives, $warning) = @$_;

    for my $endpoint (@endpoints) {
        my ($ok, @warnings) = check("server_name mail.example.com;",
            "location /x { $directives pimap_$endpoint; }");
        my $name = $directives =~ s/\S*keys\.json/FILE/r . " $endpoint";

        ok($ok, "$name: accepted");
        is(scalar(grep { $warning && /$place.*$warning/ } @warnings),
            $warning ? 1 : @warnings ? "@warnings" : 0,
            '    with ' . ($warning ? 'the' : 'no') . ' warning');
    }
}

for (@protocols) {
    my ($protocols, $directives, $warns) = @$_;

    my ($ok, @warnings) = check("server_name mail.example.com;"
        . " ssl_protocols $protocols;", "location /x { $directives"
        . ' pimap_account $arg_account; pimap_events; }');

    ok($ok, "$protocols, $directives accepted");
    is(scalar(grep { /$useless/ } @warnings), $warns,
        '    with ' . ($warns ? 'a' : 'no') . ' warning');
}

for (@padding) {
    my ($server, $directives, $warns, $first) = @$_;
    my $events = 'pimap_account $arg_account; pimap_events;';
    my ($ok, @warnings) = check(($first ? "location /y { $first $events }"
        : '') . $server, "location /x { $directives $events }");
    # its "listen" has an older form then
    my $said = join(' ', grep { !/directive is deprecated/ } @warnings);

    ok($ok, "$server $directives accepted");
    $warns ? like($said, qr/no effect by HTTP\/3 in .*:\d+: .*remove "quic"/,
        '    with a warning') : is($said, '', '    with no warning');
}

# Other locations and inner blocks.

for my $location ('location /x { pimap_publish; }',
    'location /x { pimap_status; }', 'location /x { }')
{
    my ($ok, @warnings) = check('', $location);

    is("@warnings", '', "$location: no warning");
}

my ($ok, @warnings) = check('', "$auth location /x { pimap_events;"
    . ' if ($arg_x) { set $y 1; } limit_except GET { deny all; } }');
is("@warnings", '', 'a login of the server, blocks in the location');

($ok, @warnings) = check('', 'location /x { pimap_events;'
    . ' if ($arg_x) { set $y 1; } limit_except GET { deny all; } }');
is(scalar(@warnings), 1, 'one warning for a location and its blocks');

($ok, @warnings) = check('', "location /x { pimap_events; $auth"
    . ' limit_except GET { auth_basic off; } }');
like("@warnings", qr/"limit_except" of location "\/x" /,
    'a block without the login of its location: named in the warning');

($ok, @warnings) = check('pimap_hibernate on; ssl_protocols TLSv1.2;',
    'location /x { pimap_account $arg_account; pimap_events; }');
is(scalar(@warnings), 1, 'a directive of the server: one warning');
like($warnings[0], qr/set "ssl_protocols TLSv1\.2 TLSv1\.3"/,
    '    with the remedy');
like((check('', 'location /x { pimap_events; }'))[1],
    qr/set "pimap_account \$remote_user"/, 'the remedy for a login');

# The line is that of the location.

for my $endpoint (qw(events accounts)) {
    my ($line) = (check('', "location /x { pimap_$endpoint; }"))[1]
        =~ /nginx\.conf:(\d+)/;

    like((split(/\n/, $t->read_file($t->dir() . '/nginx.conf')))[$line - 1],
        qr/location \/x/, "pimap_$endpoint: the line of the location");
}


sub check {
    my ($server, $locations) = @_;

    my $nginx = $t->nginx();

    local @$nginx{qw(server locations)} = ($server,
        "$locations location = /auth { return 204; }");

    my ($ok, $text) = $nginx->check();

    return ($ok, grep { /\[warn\]/ } split(/\n/, $text));
}
