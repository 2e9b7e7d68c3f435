#!/usr/bin/perl

# Questions about an account that are refused, and why. A page of another site
# can't end a device. "nginx -t" warns of a location that anyone can use.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();

$t->nginx()->{locations} .= <<'END';
        location = /accounts {
            pimap_max_account_length 20;
            pimap_max_device_length 20;
            allow 127.0.0.1;
            deny all;
            pimap_accounts;
        }
        location = /mine { pimap_account alice; pimap_accounts; }
        location = /login {
            auth_basic mail;
            auth_basic_user_file /dev/null;
            pimap_accounts;
        }
        location = /by_user { pimap_account $remote_user; pimap_accounts; }
END

my $page = qr/"devices" and "events" must be numbers up to 100/;
my $after = qr/"after" must be the "id" of a device/;
my $before = qr/"before" must be the id of an event/;
my $long = 'x' x 21;

# the method, the query, the reason
my @refused = (
    ['GET', '', qr/no account/],
    ['GET', 'account=', qr/no account/],
    ['GET', 'account=%zz', qr/account has an invalid percent-encoding/],
    ['GET', "account=$long", qr/the account is longer than/],
    ['GET', 'account=%01', qr/account/],
    ['GET', 'account=%ff', qr/account/],
    ['GET', 'account=a&devices=101', $page],
    ['GET', 'account=a&devices=-1', $page],
    ['GET', 'account=a&devices=', $page],
    ['GET', 'account=a&devices=99999999999999999999', $page],
    ['GET', 'account=a&events=101', $page],
    ['GET', 'account=a&events=1x', $page],
    ['GET', 'account=a&events=%', $page],
    ['GET', 'account=a&after=', $after],
    ['GET', 'account=a&after=%', $after],
    ['GET', 'account=a&after=' . '0' x 33, $after],
    ['GET', 'account=a&after=' . '0' x 16 . '-' . '0' x 15 . 'g', $after],
    ['GET', 'account=a&after=' . '0' x 16 . '-' . '0' x 17, $after],
    ['GET', 'account=a&before=', $before],
    ['GET', 'account=a&before=0', $before],
    ['GET', 'account=a&before=1', $before],
    ['GET', 'account=a&before=%', $before],
    ['HEAD', 'account=a&events=101'],
    ['DELETE', 'device=a', qr/no account/],
    ['DELETE', 'account=a', qr/no device/],
    ['DELETE', 'account=a&device=', qr/no device/],
    ['DELETE', 'account=a&device=%', qr/device has an invalid/],
    ['DELETE', "account=a&device=$long", qr/the device is longer than/],
    ['DELETE', 'account=a&device=%0a', qr/control characters/],
    ['DELETE', 'account=a&device=%c3', qr/is not UTF-8/],
);

# headers of a page's request, the status
my @origins = (
    [{ 'Sec-Fetch-Site' => 'cross-site' }, 403],
    [{ 'Sec-Fetch-Site' => 'same-site' }, 403],
    [{ Origin => 'https://evil.example' }, 403],
    [{ Origin => 'null' }, 403],
    [{ 'Sec-Fetch-Site' => 'same-origin' }, 404],
    [{ Origin => 'http://localhost' }, 404],
    [{}, 404],
);

$t->plan(2 * @refused - 1 + @origins + 18);

my ($ok, $output) = $t->nginx()->check();
my @warnings = $output =~ /^.*\[warn\].*$/mg;

ok($ok, 'the configuration is valid');
is(@warnings, 2, 'a warning for each location that anyone can use');
like($_, qr/location "\/(?:mine|by_user)" of server "" has .* neither "all/,
    '    it says what is missing') for @warnings;

$t->run();
$t->wait_ready();

for (@refused) {
    my ($method, $query, $reason) = @$_;
    my $s = $t->request($method, "/accounts?$query", close => 1);

    is($s->status(), 400, "$method $query: 400");
    like($s->body() =~ s/\\"/"/gr, $reason, '    with the reason') if $reason;
}

for (@origins) {
    my ($headers, $status) = @$_;

    is($t->request('DELETE', '/accounts?account=a&device=b', close => 1,
        headers => $headers)->status(), $status,
        "DELETE, @{[ %$headers ]}: $status");
}

for my $method (qw(POST PUT PATCH)) {
    my $s = $t->request($method, '/accounts?account=a', close => 1,
        body => '{}');

    is($s->status(), 405, "$method: 405");
    is($s->header('Allow'), 'GET, HEAD, DELETE', '    with what is allowed');
}

is($t->get('/accounts?account=a&events=100&devices=100&after='
    . '0' x 16 . '-' . 'f' x 16 . '&before=1-1')->{status}, 200,
    'the largest numbers');
is($t->get('/accounts?account=' . 'x' x 20)->{status}, 200,
    'the longest account');
is($t->request('DELETE', '/accounts?account=a&device=' . 'x' x 20,
    close => 1)->status(), 404, 'the longest device');
is($t->get('/accounts?account=a', headers => {
    'Sec-Fetch-Site' => 'cross-site' })->{status}, 200,
    'a page may ask, but its browser keeps the answer from it');
is($t->request('DELETE', '/accounts?account=a&device=b', close => 1,
    body => 'x' x 100)->status(), 404, 'a body is ignored');
is($t->get('/mine?account=bob')->{json}{account}, 'alice',
    'the account of "pimap_account"');
is($t->get('/login?account=bob')->{status}, 401, 'a login of nginx');
is($t->get('/by_user?account=bob')->{status}, 400,
    'a user without a name');
