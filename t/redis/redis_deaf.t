#!/usr/bin/perl

# A subscription that is dead while its connection looks alive is found by the
# probe, renewed, and delivers again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new();
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');
my $event = { event => 'MessageNew', uid => 1 };

$t->plan(19);

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=500ms probe=200ms;';

$t->redis()->start();
$proxy->start();
$t->run();

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n\n/), 'parked');
ok($t->wait_ready(), 'ready');
ok($t->subscribed('alice'), 'subscribed');
$t->redis()->publish('alice', $event);
ok($s->event(), 'delivered');
is($proxy->noted('accept'), 2, 'by two connections');

sub redis_of_worker { return $t->status()->{workers}[0]{redis} }

# Nobody hears what is published now, and Redis says that somebody does.

$proxy->mode('deaf');

ok($t->wait_for(sub { $proxy->noted('deaf') }, 'something dropped'), 'deaf');
ok($t->wait_for(sub { !$t->ready() }, 'red'), 'not ready');
cmp_ok(redis_of_worker()->{probesLost}, '>=', 1, 'the probe was lost');
is($t->log_lines(qr/pimap lost redis: probe did not come back, subscriber/),
    1, 'it is in the log');
is(redis_of_worker()->{up}, 1, 'the other connection stays');
is($t->publish('alice', $event)->{status}, 200, 'publishers are served');

# The next ones are deaf from the start: not even the subscription is answered.

ok($t->wait_for(sub { $proxy->noted('deaf') > 2 }, 'attempts'),
    'it is renewed again and again');
ok($t->park('bob')->read_until(qr/: parked\n\n/), 'devices are accepted');

# A new subscription hears again, the old one never does.

$proxy->mode('open');

ok($t->wait_ready(), 'ready again');
cmp_ok($proxy->noted('accept'), '>', 2, 'by another connection');
ok($t->subscribed('alice'), 'subscribed again');

$t->redis()->publish('alice', { event => 'FlagsSet' });
is(($s->event() // {})->{event}, 'MessageNew', 'what was missed comes');
is(($s->event() // {})->{event}, 'FlagsSet', 'delivered again');
ok($t->wait_for(sub { redis_of_worker()->{subscribed} == 1 }),
    'the account is subscribed');
