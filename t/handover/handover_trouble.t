#!/usr/bin/perl

# Disturbed hand-overs: overlapping reloads, a new worker that is killed, Redis
# away.  Each device stays parked or its response ends, and nothing leaks.

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
    http => 'pimap_drain 5s;');
my $redis = $t->redis();
my $uid = 0;

$t->plan(18);
$t->run();
$t->wait_ready();

sub park_all {
    my ($n) = @_;

    my @s = map { $t->park("user$_",
        transport => $_ % 2 ? 'http' : 'https') } 1 .. $n;

    $_->read_until(qr/: parked\n.*\n\n/) for @s;
    $t->wait_for(sub { my $d = $t->status()->{devices};
        $d->{detached} + $d->{hibernated} == $n }, 'detached');

    return @s;
}

# The number of devices that get an event, and of those that have ended.

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
        'the others to leave');
}

# Reloads in quick succession.

my @s = park_all(DEVICES);

for (1 .. 5) {
    $t->nginx()->{process}->signal('HUP');
    select(undef, undef, undef, 0.15);
}

ok(one_generation(), 'five reloads in a row');
is(join(' ', census(@s)), DEVICES . ' 0', 'five reloads: all devices stay');
is($t->status()->{connects}, DEVICES, 'five reloads: none reconnected');

# The number of open files in master and workers stays the same.

my @fds = map { $t->nginx()->fds($_) } $t->nginx()->pid();
my $rss = $t->nginx()->rss($t->nginx()->pid());

for (1 .. 20) {
    my @old = $t->workers();

    $t->reload();
    $t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old ones');
}

# The master closes the channel of a worker after it has waited for it.

ok($t->wait_for(sub { $t->nginx()->fds($t->nginx()->pid()) <= $fds[0] },
    'the master'), 'twenty reloads: no more files in the master');
cmp_ok($t->nginx()->rss($t->nginx()->pid()) - $rss, '<', $t->slack(512),
    'and no memory');

my ($sum, $parked) = (0, 0);

$sum += $t->nginx()->fds($_) for $t->workers();
$parked += $_->{devices} for @{ $t->status()->{workers} };
is($parked, DEVICES, 'twenty reloads: all devices are counted');
cmp_ok($sum, '<', DEVICES + 2 * 40,
    'twenty reloads: few more files than devices');
is(join(' ', census(@s)), DEVICES . ' 0', 'twenty reloads: all devices stay');

# A new worker is killed at once.

my %before = map { $_ => 1 } $t->workers();

$t->nginx()->{process}->signal('HUP');

my ($victim) = $t->wait_for(sub { (grep { !$before{$_} } $t->workers())[0] },
    'a new worker');

select(undef, undef, undef, 0.12);
kill('KILL', $victim);
ok(one_generation(), 'a killed worker: the old ones exit');

my ($there, $gone) = census(@s);

is($there + $gone, DEVICES, 'a killed worker: each device stays or ends');
cmp_ok($there, '>', 0, 'a killed worker: devices of the other stay');
ok($t->wait_for(sub { $t->status()->{parked} == $there }),
    'a killed worker: devices are counted');

$_->close() for @s;
$t->wait_for(sub { $t->status()->{parked} == 0 }, 'the ends of all devices');

# Redis is away during a reload.

@s = park_all(10);
$redis->stop();

my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'old ones'),
    'without Redis');
ok($t->wait_for(sub { $t->status()->{parked} == 10 }),
    'Redis away: all devices are handed over');
$redis->start();
ok($t->wait_ready(), 'Redis is back');
ok($t->wait_for(sub { $t->status()->{accounts}
    == eval { my $n = 0; $n += $_->{redis}{subscribed}
        for @{ $t->status()->{workers} }; $n } }), 'subscribed');

my ($got, $ended) = census(@s);

is($ended, 0, 'Redis away: no response ends');
is($got, 10, 'Redis back: all devices get an event');
