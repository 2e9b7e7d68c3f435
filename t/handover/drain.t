#!/usr/bin/perl

# Devices that can't be handed over, by HTTP/2 and TLS 1.2, are told to come
# back evenly over "pimap_drain": at no moment more than twice the even rate.
# With their ids they lose nothing of what is published meanwhile.  Those that
# can be handed over notice nothing.

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

# curl parks devices, many in a connection, each into a file of its own, and
# says which one is over as soon as it is.

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

# What the devices have got in this response, and their last ids; how many of
# them are over in good order.

sub look {
    my $ended = 0;

    for my $n (1 .. DEVICES) {
        my $text = $t->read_file("$dir/device$n");

        push(@{ $got{$n} }, $text =~ /"uid":(\d+)/g);
        $id{$n} = $1 while $text =~ /^id: (\S+)/mg;
        $ended++ if $text =~ /retry: \d+\n: come back\n\n\z/;
    }

    return $ended;
}

sub log_events {
    $uid++;

    for my $n (1 .. DEVICES + PLAIN) {
        $t->redis()->log("user$n", { event => 'MessageNew', uid => $uid });
    }
}

# Seconds until each of them was over; events go on.

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

# In how many seconds there were more than twice as many as on average, without
# those that a busy machine should have ended before.

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
    'by HTTP/2, and by TLS 1.2');

log_events();

my @old = $t->workers();

$t->reload();

my @ends = ends();
my @slices = (0) x DRAIN;

$slices[$_]++ for @ends;
note("ends in each second: @slices");

is(scalar(@ends), DEVICES, 'all of them are told to come back');
cmp_ok($ends[-1], '<', DRAIN + 2, 'within the time');
is(rushes(@slices), 0, 'in no second more than twice as many as on average');
cmp_ok(scalar(grep { $_ } @slices), '>=', DRAIN - 2, 'all the time');
is(look(), DEVICES, 'with when, and in good order');
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }),
    'the old workers leave');

# They come back.

ok(park(), 'all are back');
log_events();
$t->wait_for(sub { (() = join('', map { $t->read_file("$dir/device$_") }
    1 .. DEVICES) =~ /"uid":$uid\b/g) == DEVICES }, 'the last event');
look();

my $all = join(' ', 1 .. $uid);

is(scalar(grep { join(' ', @{ $got{$_} }) eq $all } 1 .. DEVICES), DEVICES,
    'each one got all events, in order');
is(scalar(grep { join(' ', map { $_->{json}{uid} } $_->events($uid)) eq $all }
    @stays), PLAIN, 'and so did those that stayed');
is($t->status()->{ends}{drain}, DEVICES, 'which nobody was told to do');
