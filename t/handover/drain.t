#!/usr/bin/perl

# Devices that can't be handed over (HTTP/2, TLS 1.2) are told to come back
# spread over "pimap_drain", never at more than twice the even rate.  They
# resume from their ids without a loss.  Devices that can be handed over notice
# nothing.

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { DRAIN => 12, H2 => 160, TLS12 => 40, PLAIN => 20 };
use constant DEVICES => H2 + TLS12;

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;',
    http => 'pimap_drain ' . DRAIN . 's; http2_max_concurrent_streams 50;');
my $dir = $t->dir();
my (@stays, %id, %got, @curls);
my $uid = 0;

# curl parks devices, many in a connection, writes each response to its own
# file, and prints its name when it ends.

sub curl {
    my ($first, $last, @options) = @_;

    my $port = $t->port('https');
    my @lines;

    for my $n ($first .. $last) {
        my $id = $id{$n} ? "&last-event-id=$id{$n}" : '';

        push(@lines, "url = https://127.0.0.1:$port/events?account=user$n$id",
            "output = $dir/device$n");
    }

    $t->write_file("$dir/curl$first", join("\n", @lines, ''));

    return $t->start(pipe => 1, command => ['curl', '-sNk',
        '--no-progress-meter', '--parallel', '--parallel-immediate',
        '--parallel-max', 300, @options, '-w',
        '%{stderr}%{filename_effective}\n', '-K', "$dir/curl$first"]);
}

sub park {
    unlink(glob("$dir/device*"));
    @curls = (curl(1, H2, '--http2'),
        curl(H2 + 1, DEVICES, '--http1.1', '--tls-max', '1.2'));

    return $t->wait_for(sub { $t->status()->{parked} == DEVICES + PLAIN },
        'parked');
}

# Reads the events and the last id of each response; returns the number of
# responses that ended in good order.

sub look {
    my $ended = 0;

    for my $n (1 .. DEVICES) {
        my $text = $t->read_file("$dir/device$n");

        push(@{ $got{$n} }, $text =~ /"uid":(\d+)/g);
        $id{$n} = $1 while $text =~ /^id: (\S+)/mg;
        $ended++ if $text =~ /retry: \d+\nevent: retry\n.*\n\n\z/;
    }

    return $ended;
}

sub log_events {
    $uid++;

    for my $n (1 .. DEVICES + PLAIN) {
        $t->redis()->log("user$n", { event => 'MessageNew', uid => $uid });
    }
}

# Seconds until the end of each response; events are published meanwhile.

sub ends {
    my $select = IO::Select->new(map { $_->fh() } @curls);
    my $start = time();
    my $event = 0;
    my @ends;

    while (@ends < DEVICES && time() - $start < 3 * DRAIN) {
        log_events() if time() - $start > $event++;

        for my $fh ($select->can_read(0.05)) {
            $fh->sysread(my $bytes, 65536) or $select->remove($fh), next;
            push(@ends, (time() - $start) x ($bytes =~ tr/\n//));
        }
    }

    return @ends;
}

# The number of seconds with more than twice the average number of ends,
# without the ends that a busy machine delayed.

sub rushes {
    my $each = DEVICES / DRAIN;
    my ($rushes, $due) = (0, 0);

    for my $ends (@_) {
        $rushes++ if $ends > 2 * $each + ($due > 0 ? $due : 0);
        $due += $each - $ends;
    }

    return $rushes;
}

$t->plan(12);
$t->run();
$t->wait_ready();

for my $n (DEVICES + 1 .. DEVICES + PLAIN) {
    push(@stays, $t->park("user$n", transport => $n % 2 ? 'http' : 'https'));
}

ok(park(), 'parked');

my $kinds = $t->status()->{devices};

is(join(' ', @{$kinds}{qw(heldH2Tls detachedTls)}), H2 . ' ' . TLS12,
    'devices are parked by HTTP/2 and by TLS 1.2');

log_events();

my @old = $t->workers();

$t->reload();

my @ends = ends();
my @slices = (0) x DRAIN;

$slices[$_]++ for @ends;
note("ends in each second: @slices");

is(scalar(@ends), DEVICES, 'all responses end');
cmp_ok($ends[-1], '<', DRAIN + 2, 'all end within pimap_drain');
is(rushes(@slices), 0, 'no second has more than twice the average');
cmp_ok(scalar(grep { $_ } @slices), '>=', DRAIN - 2, 'all the time');
is(look(), DEVICES, 'all end in good order, with the time to come back');
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
    'the old workers exit');

# They come back.

ok(park(), 'all are back');
log_events();
$t->wait_for(sub { (() = join('', map { $t->read_file("$dir/device$_") }
    1 .. DEVICES) =~ /"uid":$uid\b/g) == DEVICES }, 'the last event');
look();

my $all = join(' ', 1 .. $uid);

is(scalar(grep { join(' ', @{ $got{$_} }) eq $all } 1 .. DEVICES), DEVICES,
    'each device resumed and got all events, in order');
is(scalar(grep { join(' ', map { $_->{json}{uid} } $_->events($uid)) eq $all }
    @stays), PLAIN, 'devices handed over got all events');
is($t->status()->{ends}{drain}, DEVICES,
    'devices handed over were not told to leave');
