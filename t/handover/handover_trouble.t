#!/usr/bin/perl

# Hand-overs that are disturbed: reloads on top of each other, a new worker
# that is killed, Redis away.  Nothing is lost without a word, and nothing
# leaks.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant DEVICES => 100;

my $t = Pimap->new(workers => 2, log => 'notice',
    allow => qr/exited on signal 9|was locked by|connect\(\) to unix/,
    mode => 'pimap_hibernate on;',
    http => 'pimap_drain 1s;');
my $redis = $t->redis();
my $uid = 0;

$t->plan(18);
$t->run();
$t->wait_ready();

sub park_all {
    my ($n) = @_;

    my @s = map { $t->park("user$_",
        transport => $_ % 2 ? 'http' : 'https') } 1 .. $n;

    $_->read_until(qr/: parked\n\n/) for @s;
    $t->wait_for(sub { my $d = $t->status()->{devices};
        $d->{detached} + $d->{hibernated} == $n }, 'detached');

    return @s;
}

# Those that are there get an event, the others have ended: how many of each.

sub census {
    my @s = @_;

    my $json = { event => 'MessageNew', uid => ++$uid };

    $redis->log("user$_", $json) for 1 .. @s;

    my @got = grep {
        my $event = $_->event() // {};

        $event = $_->event() // {} if ($event->{event} // '') eq 'resync';
        ($event->{json}{uid} // 0) == $uid;
    } @s;

    return (scalar(@got), scalar(grep { $_->ended(0) || $_->closed(0) } @s));
}

sub one_generation {
    return $t->wait_for(sub { $t->nginx()->{process}->group() == 3 },
        'the others to leave', 30);
}

# Fast.

my @s = park_all(DEVICES);

for (1 .. 5) {
    $t->nginx()->{process}->signal('HUP');
    select(undef, undef, undef, 0.15);
}

ok(one_generation(), 'five reloads in a row');
is(join(' ', census(@s)), DEVICES . ' 0', 'all are there');
is($t->status()->{connects}, DEVICES, 'none has come back');

# What is open in the master and in workers stays the same.

my @fds = map { $t->nginx()->fds($_) } $t->nginx()->pid();
my $rss = $t->nginx()->rss($t->nginx()->pid());

for (1 .. 20) {
    my @old = $t->workers();

    $t->reload();
    $t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old ones');
}

is($t->nginx()->fds($t->nginx()->pid()), $fds[0], 'the master: no files');
cmp_ok($t->nginx()->rss($t->nginx()->pid()) - $rss, '<', $t->slack(512),
    'and no memory');

my ($sum, $parked) = (0, 0);

$sum += $t->nginx()->fds($_) for $t->workers();
$parked += $_->{devices} for @{ $t->status()->{workers} };
is($parked, DEVICES, 'workers: all devices');
cmp_ok($sum, '<', DEVICES + 2 * 40, 'and hardly more files than those');
is(join(' ', census(@s)), DEVICES . ' 0', 'after twenty more, all are there');

# A worker is killed as soon as it is there.

my %before = map { $_ => 1 } $t->workers();

$t->nginx()->{process}->signal('HUP');

my ($victim) = $t->wait_for(sub { (grep { !$before{$_} } $t->workers())[0] },
    'a new worker');

select(undef, undef, undef, 0.12);
kill('KILL', $victim);
ok(one_generation(), 'a new worker is killed');

my ($there, $gone) = census(@s);

is($there + $gone, DEVICES, 'each device is there or has been told');
cmp_ok($there, '>', 0, 'those of the other one are there');
ok($t->wait_for(sub { $t->status()->{parked} == $there }),
    'and they are counted');

$_->close() for @s;
$t->wait_for(sub { $t->status()->{parked} == 0 }, 'nobody to be left');

# Redis is away.

@s = park_all(10);
$redis->stop();

my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'old ones', 30),
    'without Redis');
ok($t->wait_for(sub { $t->status()->{parked} == 10 }), 'all are handed over');
$redis->start();
ok($t->wait_ready(), 'Redis is back');
ok($t->wait_for(sub { $t->status()->{accounts}
    == eval { my $n = 0; $n += $_->{redis}{subscribed}
        for @{ $t->status()->{workers} }; $n } }), 'subscribed');

my ($got, $ended) = census(@s);

is($ended, 0, 'nobody has been sent away');
is($got, 10, 'and events come');
