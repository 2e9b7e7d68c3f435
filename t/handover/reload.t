#!/usr/bin/perl

# A worker that leaves tells devices that it can't hand over when to come back,
# ends each response as it should be, spread over "pimap_drain", and stays
# until that is done; new workers take new ones.  "worker_shutdown_timeout" and
# a fast stop win.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant LATE => 2;         # seconds, for a machine that is busy

my @transports = qw(http https h2);
my $t = Pimap->new(workers => 2, mode => 'pimap_detach off;',
    http => 'pimap_drain 2s;');
my $one = Pimap->new(redis => $t->redis(), mode => 'pimap_detach off;',
    http => 'pimap_drain 30s;',
    main => 'worker_shutdown_timeout 500ms;');
my $stop = Pimap->new(redis => $t->redis(), mode => 'pimap_detach off;',
    http => 'pimap_drain 30s;');

my $last = Pimap->new(redis => $t->redis(), mode => 'pimap_detach on;',
    http => 'pimap_drain 200ms;');

$t->plan(28);

$_->run() for $t, $one, $stop, $last;

sub park_all {
    my ($at, $n) = @_;

    my @s = map { $at->park('alice', transport => $_) } (@transports) x $n;

    $_->read_until(qr/: parked\n\n/) for @s;
    return @s;
}

# The last words: a comment may stand in them.
my $goodbye = qr/^retry: [1-9]\d*\n(?::.*\n)*\n\z/m;

# When each of them is over, in seconds from now.

sub ends {
    my ($at, @s) = @_;

    my $start = time();
    my %end;

    $at->wait_for(sub {
        for my $i (grep { !$end{$_} } 0 .. $#s) {
            $end{$i} = time() - $start if $s[$i]->ended(0);
        }
        return keys(%end) == @s;
    }, 'the ends');

    return sort { $a <=> $b } values(%end);
}

# Which moments, of a tenth of a second, something happened in.

sub moments {
    my %moments = map { int($_ * 10) => 1 } @_;
    return scalar(keys(%moments));
}

# Reload.

my @old = park_all($t, 10);
my @pids = $t->workers();

$t->reload();

my $new = $t->park('alice');

ok($new->read_until(qr/: parked\n\n/), 'reload: new workers take new ones');

my @ends = ends($t, @old);

is(scalar(@ends), 30, 'reload: each response ends in good order');
is(scalar(grep { $_->{body} =~ $goodbye } @old), 30,
    'reload: each one says when to come back');
cmp_ok($ends[-1], '<', 2 + LATE, 'reload: within the time');
cmp_ok(moments(@ends), '>', 3, 'reload: not all at once');

my %retry = map { $_->{body} =~ /retry: (\d+)/ } @old, @old;

cmp_ok(scalar(keys(%retry)), '>', 10, 'reload: and not back all at once');
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @pids }), 'reload: then leave');

my $status = $t->status();

is($status->{parked}, 1, 'reload: the new one is counted');
is($status->{ends}{drain}, 30, 'reload: the old ones too');
is($status->{connects}, 31, 'reload: all of them were');
is(scalar(@{ $status->{workers} }), 2, 'reload: two workers');

ok($t->wait_ready() && $t->subscribed('alice'), 'reload: ready');
is($t->publish('alice', { event => 'One' })->{json}{receivers}, 1,
    'reload: heard once');
is(($new->event() // {})->{event}, 'One', 'reload: delivered');

# Quit.

$new->close();
@old = park_all($t, 2);
$t->quit();
@ends = ends($t, @old);

is(scalar(@ends), 6, 'quit: each response ends in good order');
is(scalar(grep { $_->{body} =~ $goodbye } @old), 6,
    'quit: each one says when to come back');
ok($t->nginx()->gone(), 'quit: gone');

# A request that comes to a worker on its way out is not parked there.  It has
# read the first half: what came after it has been answered.

my $half = $stop->open_stream("GET /events?account=bob HTTP/1.1\r\n");

$stop->status();
$stop->reload();
$half->send("Host: localhost\r\n\r\n");

is($half->status(), 200, 'late: a response all the same');
ok($half->ended(), 'late: which is over');
like($half->{body}, qr/\A$goodbye/, 'late: and says when to come back');

# worker_shutdown_timeout.

@old = park_all($one, 2);
@pids = $one->workers();

my $start = time();

$one->reload();
is(scalar(grep { $_->closed() } @old), 6, 'shutdown time-out: all closed');
ok($one->wait_for(sub { !grep { -e "/proc/$_" } @pids }),
    'shutdown time-out: gone');
cmp_ok(time() - $start, '<', 5, 'shutdown time-out: long before the drain');
ok($one->wait_for(sub { $one->status()->{parked} == 0 }),
    'shutdown time-out: nothing is left in the counters');

# A fast stop.

@old = park_all($stop, 2);
$start = time();
$stop->nginx()->stop();
is(scalar(grep { $_->closed() } @old), 6, 'stop: all closed');
cmp_ok(time() - $start, '<', 5, 'stop: at once');

# Devices that could be handed over, and nobody to take them: that is known.

@old = map { $last->park('alice') } 1 .. 3;
$last->wait_for(sub { $last->status()->{devices}{detached} == 3 });
$last->quit();
@ends = ends($last, @old);
is(scalar(@ends), 3, 'quit, detached: each response ends in good order');
cmp_ok($ends[-1], '<', 1.5, 'quit, detached: nobody is looked for');
