#!/usr/bin/perl

# The bridge does not try the logins of a stranger any more after some wrong
# passwords, by address and by account.  Users are not shut out.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeLogin;

my $t = Pimap->new();
$t->plan(41);

my $bridge = Pimap::Bridge->new(t => $t, auth => 'delay = "0s"; cache = "0s"; '
    . 'failed = "0s";');
my $imap = Pimap::FakeLogin->new(t => $t, name => 'imap')->start();

$t->redis()->start();
$bridge->start();

# The limits of the bridge

settings('max_failures = 4; max_account_failures = 0;');
is(login('bob', 'secret', '192.0.2.9'), 'bob', 'a user logs in');
is(wrong("user$_", '192.0.2.9'), 401, 'a wrong password at this address: 401')
    for 1 .. 4;

my $refusal = $bridge->get('/auth', $bridge->basic('user5', 'guess'),
    'X-Real-IP' => '192.0.2.9');

is($refusal->{status}, 429, 'after max_failures: 429');
like($refusal->{head}, qr/^Retry-After: [1-9]\d*\r?$/m,
    '    with Retry-After');
is(login('carol', 'secret', '192.0.2.9'), 429,
    '    a right password does not show, either');
is($imap->noted(qr/(?:login|bad) (?:carol|user5)/), 0,
    '    the server is not asked');
is(login('bob', 'secret', '192.0.2.9'), 'bob',
    '    the user who has logged in there before still can');
is(login('carol', 'secret', '192.0.2.10'), 'carol',
    '    and everybody at another address');
is(wrong('bob', '192.0.2.9'), 401, 'wrong passwords of that user: 401')
    for 1 .. 4;
is(wrong('bob', '192.0.2.9'), 429, '    and 429 after as many');

# IPv6: a client chooses among the addresses of its /64

is(wrong("user$_", "2001:db8::$_"), 401, "2001:db8::$_: 401") for 1 .. 4;
is(wrong('user5', '2001:db8::ffff:1:2:3'), 429, '    its /64: 429');
is(wrong('user5', '2001:db8:0:1::1'), 401, '    the next /64: 401');
is(wrong('user5', '::ffff:192.0.2.9'), 429, 'an address of IPv4, mapped: 429');

# No address is known

settings('max_failures = 2; known_time = "0s";');
is(login('bob', 'secret', '192.0.2.9'), 'bob', 'known_time is 0: a login');
wrong("user$_", '192.0.2.9') for 1, 2;
is(login('bob', 'secret', '192.0.2.9'), 429, '    it is not remembered');

# Many clients, one account

settings('max_failures = 10; max_account_failures = 3;');
is(wrong('dave', "198.51.100.$_"), 401, 'a wrong password of dave: 401')
    for 1 .. 3;
is(wrong('dave', '198.51.100.1'), 429, 'after max_account_failures: 429');
is(login('dave', 'secret', '198.51.100.9'), 'dave',
    '    dave is not shut out at an address without wrong ones');

# The same wrong password is no guess

settings('max_failures = 3;');
is(join(' ', map { login('erin', 'old', '198.51.100.20') } 1 .. 6),
    join(' ', (401) x 6), 'the same wrong password, six times: 401');

# Many users behind one address, at once

settings('max_failures = 1; max_account_failures = 0;');
$imap->mode('slow');

my @many = map {
    $bridge->send('/auth', $bridge->client("many$_", 'secret', '192.0.2.60'))
} 1 .. 10;

ok($t->wait_for(sub { $bridge->metric('auth_waiting') == 10 }),
    'ten users behind one address log in at once');
$refusal = $bridge->get('/auth',
    $bridge->client('many11', 'secret', '192.0.2.60'));
is($refusal->{status}, 429, '    one more: 429');
like($refusal->{head}, qr/^Retry-After: [1-9]\r?$/m,
    '    but only for some seconds');
$imap->mode('');
ok($t->wait_for(sub { login('many11', 'secret', '192.0.2.60') eq 'many11' }),
    '    then that user logs in, too');

# Memory, and time

settings('max_cached = 10; failures_time = "1s";');
wrong("user$_", "203.0.113.$_") for 1 .. 20;
cmp_ok($bridge->metric('auth_counts'), '<=', 10,
    'many addresses and accounts: no more counts than max_cached');
ok($t->wait_for(sub { $bridge->metric('auth_counts') == 0 }, 'no counts'),
    '    they expire');

# Whose word counts

settings('');
wrong('frank', undef);
wrong('frank', 'nonsense');
is(scalar(() = $bridge->log() =~ /\[warn\].*without an address/g), 1,
    'no address from nginx: a warning, once');
like($bridge->log(), qr/login refused: address unknown, account "frank"/,
    '    it is not known');
settings('trusted = "192.0.2.0/24 2001:db8::/33";');
wrong('grace', '203.0.113.77');
like($bridge->log(), qr/login refused: address 127\.0\.0\.1, account "grace"/,
    'a host that is not trusted: its own address counts');

unlike($bridge->log(), qr/guess\d/, 'no password is in the log');

$bridge->stop();


# Starts it with these settings, without counts.

sub settings {
    my ($auth) = @_;

    $bridge->stop();
    $bridge->{auth} = 'delay = "0s"; cache = "0s"; failed = "0s"; ' . $auth;
    $bridge->start();
}


sub login { return $bridge->auth(@_) }


# Another wrong password each time

sub wrong {
    my ($user, $address) = @_;

    our $n++;

    return login($user, "guess$n", $address);
}
