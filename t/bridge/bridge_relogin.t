#!/usr/bin/perl

# Without a master user a bridge that starts has no login for devices that are
# parked.  It tells them to log in again, and says meanwhile that they are not
# watched.  A bridge beside another one leaves that one's devices, also when
# Redis has lost the leases.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(23);

my $first = Pimap::Bridge->new(t => $t, lease => 'time = "4s";');
my $second = Pimap::Bridge->new(t => $t, name => 'second',
    lease => 'time = "4s";');

$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();

$first->start()->wait_healthy();
is($first->auth('alice', 'secret'), 'alice', 'a user logs in');

my $s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
ok($first->watches(1), 'the account is watched');
is(state($first, 'alice'), 'watched', '    its page says so');

# A bridge beside it

$second->start()->wait_healthy();
ok($t->wait_for(sub { state($second, 'alice') eq 'other' }),
    'a bridge starts beside it: the account is the other one\'s');
is($second->metric('accounts_unwatched'), 0, '    it is watched');
ok($s->quiet(0.5), '    its device stays');

# Redis loses the leases, and the second one is back first

$t->wait_for(sub { $first->metric('bridges') == 2
    && $second->metric('bridges') == 2 });
$first->pause();
$t->redis()->restart();
ok($t->wait_for(sub { $second->log() =~ /is gone/ }),
    'Redis has lost its data: the other bridge misses the first one');
$first->resume();
ok($t->wait_for(sub { (() = $first->log() =~ /watching by/g) == 2 }),
    '    that one watches the account again');
is($second->metric('relogins_total'), 0, '    no device has to log in');

# The first one is gone, and no other bridge has the login; then again

for my $n (1, 2) {
    $t->wait_for(sub { $second->metric('bridges') == 2 });
    ok($t->wait_for(sub { state($second, 'alice') eq 'other' }),
        'the account is the other one\'s') if $n == 2;
    $first->kill();

    my $event;

    do { $event = $s->event() } until !$event || $event->{event} eq 'expired';
    ok($event, 'its bridge is gone: the device is told to log in again');
    is($second->metric('relogins_total'), $n, "    $n times");
    $s->close();
    next if $n == 2;

    $first->start()->wait_healthy();
    $first->auth('alice', 'secret');
    $s = $t->park('alice');
    $first->watches(1);
}

$second->stop();

# All bridges were away

$s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
$first->start();
ok($t->wait_for(sub { ($first->metric('accounts_unwatched') // 0) == 1 }),
    'a bridge starts: the parked account is not watched');
is(state($first, 'alice'), 'unwatched', '    its page says so');
is($first->get('/healthz')->{status}, 503, '    and the health');
like($first->get('/healthz')->{body}, qr/"unwatched":1/, '    with a number');

my $event = $s->event() // {};
is("$event->{event} $event->{json}{reason}", 'expired login',
    'its device is told to log in again');
$s->close();

is($first->auth('alice', 'secret'), 'alice', 'it logs in');
$s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
ok($first->watches(1), '    it is watched, and stays');
$dovecot->deliver(to => 'alice', subject => 'back');

do { $event = $s->event() } until !$event || $event->{event} eq 'MessageNew';
is($event->{json}{subject}, 'back', '    and hears of new mail');
ok($first->healthy(), '    the bridge is healthy');


sub state {
    my ($bridge, $account) = @_;

    my $body = $bridge->get("/accounts?account=$account")->{body} // '';

    return $body =~ /"state":"(\w+)"/ ? $1 : 'none';
}
