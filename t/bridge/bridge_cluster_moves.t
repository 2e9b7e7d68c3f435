#!/usr/bin/perl

# The slot of an account moves back and forth while mail comes: the bridge
# publishes each mail once and in order, and a device misses none without a
# resync.  A resync may be for the last of them, so one more follows.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::RedisCluster;

use constant MAILS => 30;

my $t = Pimap->new();
my $cluster = Pimap::RedisCluster->new(t => $t, replicas => 0);

$t->{redis} = $cluster;
$t->nginx()->{http} = 'pimap_redis ' . $cluster->address()
    . ' timeout=4s probe=500ms; pimap_presence on; pimap_gap_check 1s;';

$t->plan(6);
$cluster->start();
$t->nginx()->start();
$t->wait_ready();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    redis => 'address = "' . $cluster->address() . '";',
    sessions => 'backoff_max = "500ms";')->start();

my $s = $t->park('alice', query => 'ping=0');

ok($s->read_until(qr/: parked\n.*\n\n/), 'a device parks');
ok($bridge->watches(1), 'the bridge watches the account');

$dovecot->deliver(to => 'alice', subject => 'mail 0');

my $slot = $cluster->slot_of('alice');
my @masters = $cluster->masters();
my $n = 0;

for my $turn (1 .. MAILS / 3) {
    my ($to) = grep { !$_->owns($slot) } @masters[$turn % 3, 0, 1];
    my $from = $cluster->begin_move($slot, $to);

    deliver();
    $cluster->move_keys($slot, $from, $to);
    deliver();
    $cluster->end_move($slot, $from, $to);
    deliver();
}

sub deliver {
    $n++;
    $dovecot->deliver(to => 'alice', subject => "mail $n");
}

# What the device got, until it has this mail or, if that will do, a resync:
# numbers of mails, and resyncs

my (@got, %times);

sub until_mail {
    my ($last, $resync) = @_;

    while (!@got || $got[-1] ne $last && !($resync && $got[-1] eq 'resync')) {
        my $event = $s->event(40) || last;

        push(@got, 'resync') if $event->{event} eq 'resync';
        push(@got, $1) if ($event->{json}{subject} // '') =~ /^mail (\d+)$/;
    }
}

until_mail(MAILS, 1);
deliver();
until_mail(MAILS + 1);

my @numbers = grep { /\d/ } @got;
$times{$_}++ for @numbers;

is($got[-1], MAILS + 1, 'the last mail comes') or diag("@got");
is(join(' ', grep { $times{$_} > 1 } @numbers), '', 'none comes twice')
    or diag("@got");
is("@numbers", join(' ', sort { $a <=> $b } @numbers), 'in order')
    or diag("@got");

my @silent = grep { $got[$_] =~ /\d/ && $got[$_ - 1] =~ /\d/
    && $got[$_] != $got[$_ - 1] + 1 } 1 .. $#got;

is("@got[@silent]", '', 'none is missed without a resync') or diag("@got");
