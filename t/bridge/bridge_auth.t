#!/usr/bin/perl

# The bridge's HTTP port: logins are asked of the IMAP server, once for many
# requests, and answers are kept; bad ones come late; without the server it is
# nobody's fault; whoever gives up is forgotten.

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
$t->plan(45);

my $imap = Pimap::FakeLogin->new(t => $t, name => 'imap')->start();
my $bridge = Pimap::Bridge->new(t => $t, auth => 'cache = "2s"; failed = "1s";'
    . ' timeout = "2s"; max_waiting = 20;');

$t->redis()->start();
$bridge->start();

# Good and bad

is($bridge->auth('alice', 'secret'), 'alice', 'a good login');
is($bridge->auth('alice', 'secret'), 'alice', 'again');
is($imap->noted(qr/login alice/), 1, 'the server was asked once');
is($bridge->auth('Bob', 'secret'), 'bob', 'the account is in lower case');

# "delay" is 300 ms, of a clock that is a few of them behind
my $late = 0.28;
my $start = time();
is($bridge->auth('alice', 'wrong'), 401, 'a bad one');
ok(time() - $start >= $late, 'is told late');
my $asked = $imap->noted(qr/bad alice/);
$start = time();
is($bridge->auth('alice', 'wrong'), 401, 'again');
ok(time() - $start >= $late, 'late, too');
is($imap->noted(qr/bad alice/), $asked, 'without the server');
is($bridge->auth('alice', 'secret'), 'alice', 'the good one stays good');
is($bridge->metric('auth_cached_total'), 3, 'answers of the cache');

my $refusal = $bridge->get('/auth', $bridge->basic('alice', 'wrong'));
like($refusal->{head}, qr/^WWW-Authenticate: Basic realm="mail"/m,
    'a challenge');

ok($t->wait_for(sub {
    $bridge->auth('alice', 'secret');
    $imap->noted(qr/login alice/) > 1;
}, 'another question'), 'the server is asked again after a while');

# Odd requests

is($bridge->get('/auth', Authorization => $_)->{status}, 401,
    'odd: ' . substr($_, 0, 20))
    for 'Basic', 'Basic !!!!', 'Basic YWxpY2U', 'Basic YWxpY2U=',
        'Basic YWxpY2U6', 'Basic OnNlY3JldA==', 'Basic YWwKaWNlOng=',
        'Basic YQBiOmM=', 'Bearer abc', 'Digest x', 'Basic ' . 'QUFB' x 3000;
is($bridge->get('/auth')->{status}, 401, 'no login');
is($bridge->get('/nothing')->{status}, 404, 'no such page');
is($bridge->get('/auth', Authorization => 'Basic ' . 'A' x 20000)->{status},
    400, 'a head that is too long');

# Tokens

is($bridge->get('/auth', Authorization => 'Bearer token',
    'X-Pimap-User' => 'carol')->{head} =~ /^X-Pimap-Account: (\w+)/m && $1,
    'carol', 'a token');
ok($imap->noted(qr/token carol/), 'by OAUTHBEARER or XOAUTH2');
is($bridge->get('/auth', Authorization => 'Bearer bad',
    'X-Pimap-User' => 'carol')->{status}, 401, 'a bad one');

# Many at the same time, while the server thinks

$imap->mode('slow');
my @many = map { $bridge->send('/auth', $bridge->basic('dave', 'secret')) }
    1 .. 20;

ok($t->wait_for(sub { ($bridge->metric('auth_waiting') // 0) == 20 },
    'waiting'), 'twenty wait');
is($bridge->auth('dave', 'secret'), 503, 'one more is refused');
$imap->mode('');
my @answers = map { my $socket = $_; join('', <$socket>) } @many;
is(scalar(grep { /^HTTP\/1.1 200 / } @answers), 20, 'all are let in');
is($imap->noted(qr/login dave/), 1, 'by one login');

# Some give up: nothing happens to the bridge

$imap->mode('slow');
@many = map { $bridge->send('/auth', $bridge->basic('erin', 'secret')) }
    1 .. 5;
ok($t->wait_for(sub { ($bridge->metric('auth_waiting') // 0) == 5 },
    'waiting'), 'five wait');
close($_) for @many;
ok($t->wait_for(sub { ($bridge->metric('auth_waiting') // 1) == 0 },
    'forgotten'), 'and are forgotten when they are gone');
$imap->mode('');

# The server is silent, or away

$imap->mode('silent');
is($bridge->auth('frank', 'secret'), 503, 'a silent server');
$imap->mode('unavailable');
is($bridge->auth('frank', 'secret'), 503, 'one that says it can not now');
$imap->mode('close');
is($bridge->auth('frank', 'secret'), 503, 'one that hangs up');
$imap->stop();
is($bridge->auth('frank', 'secret'), 503, 'none');
like($bridge->get('/auth', $bridge->basic('frank', 'x'))->{head},
    qr/^Retry-After: \d/m, 'try again later');

# Secrets are nowhere but in the memory of what is watched

unlike($bridge->log(), qr/secret|wrong|bad\b.*token|c2VjcmV0/,
    'no password in the log');
is($t->redis()->command('KEYS', '*secret*')->[0], undef, 'nor in Redis');
unlike($bridge->log(), qr/\[(?:alert|crit|emerg)\]/, 'nothing bad in its log');

$bridge->stop();
ok($bridge->{process}->ended_well(), 'it ends well');
