#!/usr/bin/perl

# The HTTP port of the bridge. A login is checked at the IMAP server once for
# many requests, and the answer is cached. Refusals are delayed. Without the
# server the answer is 503. Requests of clients that disconnect are dropped.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeLogin;

my $t = Pimap->new();
$t->plan(55);

my $imap = Pimap::FakeLogin->new(t => $t, name => 'imap')->start();
my $bridge = Pimap::Bridge->new(t => $t, auth => 'cache = "2s"; failed = "1s";'
    . ' timeout = "2s"; max_waiting = 20;');

$t->redis()->start();
$bridge->start();

# Good and bad logins

is($bridge->auth('alice', 'secret'), 'alice', 'a good login: the account');
is($bridge->auth('alice', 'secret'), 'alice', '    again: the account');
is($imap->noted(qr/login alice/), 1, '    the server was asked once');
is($bridge->auth('Bob', 'secret'), 'bob',
    'a name in upper case: the account is in lower case');

# "delay" is 300 ms by a clock that may be a few ms behind
my $late = 0.28;
my $start = time();
is($bridge->auth('alice', 'wrong'), 401, 'a wrong password: 401');
ok(time() - $start >= $late, '    after the delay');
my $asked = $imap->noted(qr/bad alice/);
$start = time();
is($bridge->auth('alice', 'wrong'), 401, '    again: 401');
ok(time() - $start >= $late, '    after the delay');
is($imap->noted(qr/bad alice/), $asked, '    the server was not asked again');
is($bridge->auth('alice', 'secret'), 'alice',
    '    the right password: still the account');
is($bridge->metric('auth_cached_total'), 3,
    '    three answers came from the cache');

my $refusal = $bridge->get('/auth', $bridge->basic('alice', 'wrong'));
like($refusal->{head}, qr/^WWW-Authenticate: Basic realm="mail"/m,
    'a refusal has a challenge');

ok($t->wait_for(sub {
    $bridge->auth('alice', 'secret');
    $imap->noted(qr/login alice/) > 1;
}, 'another question'), 'the cache expires: the server is asked again');

# Odd requests

is($bridge->get('/auth', Authorization => $_)->{status}, 401,
    'odd: ' . substr($_, 0, 20))
    for 'Basic', 'Basic !!!!', 'Basic YWxpY2U', 'Basic YWxpY2U=',
        'Basic YWxpY2U6', 'Basic OnNlY3JldA==', 'Basic YWwKaWNlOng=',
        'Basic YQBiOmM=', 'Bearer abc', 'Digest x', 'Basic ' . 'QUFB' x 3000;
is($bridge->get('/auth')->{status}, 401, 'a request without a login: 401');
is($bridge->get('/nothing')->{status}, 404, 'an unknown page: 404');
is($bridge->get('/auth', Authorization => 'Basic ' . 'A' x 20000)->{status},
    400, 'a request head over the limit: 400');

# Pokes

for (['account=alice', 204], ['account=%7Bb', 204], ['', 400],
    ['account=', 400], ['account=%7Db', 400], ['account=a%0Ab', 400],
    ['account=%FF', 400], ['account=' . 'a' x 1025, 400],
    ['account=alice', 403, Origin => 'http://localhost'],
    ['account=alice', 403, 'Sec-Fetch-Site' => 'cross-site'])
{
    my ($query, $status, %headers) = @$_;

    is($bridge->get("POST /poke?$query", %headers)->{status}, $status,
        join(' ', 'a poke:', substr($query, 0, 20), %headers, $status));
}

# Tokens

is($bridge->get('/auth', Authorization => 'Bearer token',
    'X-Pimap-User' => 'carol')->{head} =~ /^X-Pimap-Account: (\w+)/m && $1,
    'carol', 'a token: the account');
ok($imap->noted(qr/token carol/), '    by OAUTHBEARER or XOAUTH2');
is($bridge->get('/auth', Authorization => 'Bearer bad',
    'X-Pimap-User' => 'carol')->{status}, 401, 'a bad token: 401');

# Many requests while the server is slow

$imap->mode('slow');
my @many = map { $bridge->send('/auth', $bridge->basic('dave', 'secret')) }
    1 .. 20;

ok($t->wait_for(sub { ($bridge->metric('auth_waiting') // 0) == 20 },
    'waiting'), 'the server is slow: twenty requests wait');
is($bridge->auth('dave', 'secret'), 503, '    another request: 503');
$imap->mode('');
my @answers = map { my $socket = $_; join('', <$socket>) } @many;
is(scalar(grep { /^HTTP\/1.1 200 / } @answers), 20, '    all twenty get 200');
is($imap->noted(qr/login dave/), 1, '    by a single login');

# Clients that disconnect do not disturb the bridge

$imap->mode('slow');
@many = map { $bridge->send('/auth', $bridge->basic('erin', 'secret')) }
    1 .. 5;
ok($t->wait_for(sub { ($bridge->metric('auth_waiting') // 0) == 5 },
    'waiting'), 'five requests wait');
close($_) for @many;
ok($t->wait_for(sub { ($bridge->metric('auth_waiting') // 1) == 0 },
    'forgotten'), '    their clients disconnect: the bridge drops them');
$imap->mode('');

# The server does not answer, or is away

$imap->mode('silent');
is($bridge->auth('frank', 'secret'), 503, 'the server does not answer: 503');
$imap->mode('unavailable');
is($bridge->auth('frank', 'secret'), 503,
    'the server answers UNAVAILABLE: 503');
$imap->mode('close');
is($bridge->auth('frank', 'secret'), 503,
    'the server closes the connection: 503');
$imap->stop();
is($bridge->auth('frank', 'secret'), 503, 'the server is away: 503');
like($bridge->get('/auth', $bridge->basic('frank', 'x'))->{head},
    qr/^Retry-After: \d/m, '    with Retry-After');

# Secrets are only in the memory of sessions

unlike($bridge->log(), qr/secret|wrong|bad\b.*token|c2VjcmV0/,
    'no password in the log');
is($t->redis()->command('KEYS', '*secret*')->[0], undef,
    'no password in Redis');
unlike($bridge->log(), qr/\[(?:alert|crit|emerg)\]/,
    'no error in the log of the bridge');

$bridge->stop();
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');
