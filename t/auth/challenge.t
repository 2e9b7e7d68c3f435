#!/usr/bin/perl

# A 401 offers the ways to log in that its location takes: "Bearer" for tokens,
# "Basic" for the user name of nginx, and nothing where only nginx.conf knows
# how the account is found.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new();
my $key = 'pimap_token_key ' . Pimap::Token->new($t)->jwks('keys.json',
    'ec256') . ';';
my $bearer = 'Bearer realm="pimap"';
my $basic = 'Basic realm="pimap"';
my $mail = 'Basic realm="mail"';

$t->write_file($t->dir() . '/htpasswd', "alice:{PLAIN}s3cret\n");
chmod(0644, $t->dir() . '/htpasswd');

my $auth = 'auth_basic mail; auth_basic_user_file '
    . $t->dir() . '/htpasswd;';

# the location's directives, the challenges
my @ways = (
    ['', $basic],
    ['pimap_account $remote_user;', $basic],
    ['pimap_account $arg_account;'],
    ['pimap_account $http_x_user;'],
    ["pimap_login token; $key", $bearer],
    ["pimap_login nginx token; $key", $basic, $bearer],
    ["pimap_login nginx token; $key pimap_account \$arg_account;", $bearer],
    [$auth, $mail],
    ["satisfy any; allow 127.0.0.1; deny all; $auth", $basic],
    ["satisfy any; deny all; $auth", $mail],
);

my @endpoints = qw(events update ticket);
my $i = 0;

for (@ways) {
    for my $endpoint (@endpoints) {
        $t->nginx()->{locations} .= "location = /w$i/$endpoint {"
            . " $_->[0] pimap_$endpoint; }\n";
    }
    $i++;
}

$t->nginx()->{locations} .= "location = /ticket-only { pimap_login ticket;"
    . " pimap_events; }\n";

$t->plan(3 * @ways * @endpoints + 2);
$t->run();
$t->wait_ready();

for $i (0 .. $#ways) {
    my ($directives, @challenges) = @{ $ways[$i] };

    for my $endpoint (@endpoints) {
        my $name = $directives =~ s/\S*keys\.json/FILE/r
            =~ s{\S*htpasswd}{FILE}r . " $endpoint";
        my $got = $endpoint eq 'update'
            ? $t->post("/w$i/$endpoint", '{"id":"1","update":"x"}')
            : $t->get("/w$i/$endpoint");

        is($got->{status}, 401, "$name: 401");
        is_deeply([$got->{head} =~ /^WWW-Authenticate: (.*?)\r$/mg],
            \@challenges, '    with the challenges of the location');
        is($got->{body} =~ /"status":401/ ? 1 : 0,
            $directives =~ /auth_basic/ && $directives !~ /allow/ ? 0 : 1,
            '    by the module, unless nginx has refused before');
    }
}

my $got = $t->get('/ticket-only');
is($got->{status}, 401, 'a location for tickets only: 401');
unlike($got->{head}, qr/^WWW-Authenticate/m, '    without a challenge');
