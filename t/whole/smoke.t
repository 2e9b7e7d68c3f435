#!/usr/bin/perl

# An event published in Redis reaches only the parked devices of its account,
# on each transport.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
$t->plan(22);
$t->run();

my $event = { event => 'MessageNew', mailbox => 'INBOX', uid => 4711 };
my %alice;

for my $transport (qw(http https h2 h2c)) {
    my $s = $alice{$transport} = $t->park('alice', transport => $transport);

    is($s->status(), 200, "$transport: status");
    is($s->header('Content-Type'), 'text/event-stream', "$transport: type");
    ok($s->read_until(qr/^event: parked\n.*\n\n/m), "$transport: parked");
}

my $bob = $t->park('bob');
ok($bob->read_until(qr/^event: parked\n.*\n\n/m), 'another account: parked');

ok($t->subscribed('alice'), 'subscribed');
is($t->redis()->publish('alice', $event), 1, 'published in Redis');

for my $transport (sort(keys(%alice))) {
    my $got = $alice{$transport}->event();

    is_deeply($got, { event => 'MessageNew', data => $t->json($event),
        json => $event }, "$transport: delivered");
}

ok($t->subscribed('bob'), 'another account: subscribed');
is($t->publish('bob', $event)->{json}{receivers}, 1, 'published by HTTP');
is($bob->event()->{event}, 'MessageNew',
    'another account: its event comes first');
