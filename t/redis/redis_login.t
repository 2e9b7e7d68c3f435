#!/usr/bin/perl

# A login to Redis gets no answer, and fails.  No command is sent during it:
# the command would wait in the queue, and get the reply of another command.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new();
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');
my $uid = 0;

$t->plan(16);

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' connect_timeout=2s timeout=1s probe=200ms;';

$t->redis()->start();
$proxy->start();
$t->run();

sub mail { return { event => 'MessageNew', uid => ++$uid } }

my $s = $t->park('alice', query => 'device=phone');

ok($s->read_until(qr/: parked\n.*\n\n/), 'parked');
ok($t->wait_ready(), 'ready');
ok($t->subscribed('alice'), 'subscribed');

# The subscriber stays, so accounts are subscribed during the login.

$proxy->mode('silent');
$t->redis()->command(qw(CLIENT KILL TYPE normal));
ok($t->wait_for(sub { $proxy->noted('silent') }, 'a login'),
    'the commander logs in again');

for my $account (qw(bob carol dave)) {
    my $other = $t->park($account, query => 'device=phone');

    ok($other->read_until(qr/: parked\n.*\n\n/), "$account is parked");
    $t->subscribed($account);
    $t->redis()->publish($account, mail());
    ok($other->event(), "$account is subscribed");
}

is($proxy->noted('silent'), 1, 'all during one login');

$proxy->mode('open');
ok($t->wait_ready(), 'ready again');
ok($t->wait_for(sub { $t->publish('alice', mail())->{status} == 200 },
    'a publish that works'), 'published');

my $first = $uid;
my $last = $t->publish('alice', mail())->{json}{id} // '';

is($t->redis()->command('FCALL_RO', 'pimap_last', 1,
    $t->redis()->channel('alice')), $last, 'the publisher gets its id');
is(join(' ', map { $_->{json}{uid} } $s->events(2)), "$first $uid",
    'delivered');
is($t->log_lines(qr/unexpected reply|no answer in time/), 0,
    'each command has its own reply');
