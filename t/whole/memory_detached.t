#!/usr/bin/perl

# Devices that are parked and dropped leave no memory, open files or counts
# behind: plain, hibernated, over OpenSSL, and slow ones.  PIMAP_SOAK is their
# number; the default is small, to keep the suite short.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::SSL;
use List::Util qw(min);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant SLACK => 256;      # kB, in a round
use constant ROUNDS => 8;       # more than three are for a busy machine

my $checker = $ENV{PIMAP_ASAN} || $ENV{PIMAP_VALGRIND};
my $soak = $ENV{PIMAP_SOAK} || ($checker ? 2_000 : 10_000);
my $t = Pimap->new(log => 'warn', mode => '', listen => 'sndbuf=16k',
    locations => <<'END');
        access_log off;
        pimap_account $arg_account;

        location = /plain {
            pimap_events;
        }

        location = /hibernated {
            pimap_hibernate on;
            pimap_events;
        }

        location = /slow {
            pimap_buffer 16k;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }
END

# name => transport, kind, path, devices in all, devices at a time
my %ways = (
    'in clear' => ['http', 'detached', '/plain', $soak, 500],
    'hibernated' => ['https', 'hibernated', '/hibernated', $soak / 5, 200],
    'over OpenSSL' => ['https', 'detachedTls', '/plain', $soak / 20, 100],
    'slow' => ['https', 'detachedTls', '/slow', $soak / 20, 50]);

my $context = IO::Socket::SSL::SSL_Context->new(
    SSL_verify_mode => SSL_VERIFY_NONE);
my $event = { event => 'MessageNew', preview => 'x' x 60_000 };
my $n = 0;
my $least;      # memory of the worker between two batches

$t->allow(qr/pimap ended: reason="slow"/);
$t->plan(3 * keys(%ways) + 3);
$t->run();

for my $way (sort(keys(%ways))) {
    my ($devices, $batch) = @{ $ways{$way} }[3, 4];

    # the size of the heap varies, but a leak shows in each round

    my $parked = cycle($way, $devices / 4);
    my $fds = $t->nginx()->fds();
    my @rss;

    do {
        $parked += cycle($way, $devices / 4);
        push(@rss, $least);
    } until @rss >= 3 && ($checker || grown(@rss) < SLACK) || @rss == ROUNDS;

    is($parked, $devices / 4 * (1 + @rss),
        "$way: all were parked and dropped");
    ok($checker || grown(@rss) < SLACK, "$way: no memory stays (@rss kB)");
    is($t->nginx()->fds(), $fds, "$way: no file stays open");
}

my $status = $t->status();

is(join(' ', map { $status->{$_} } qw(parked accounts zoneFull)), '0 0 0',
    'no device is counted any more');
is(scalar(grep { $_ } values(%{ $status->{devices} })), 0, 'of no kind');
ok($t->wait_for(sub { $t->status()->{workers}[0]{redis}{subscribed} == 0 },
    'the last to be unsubscribed'), 'no account is subscribed any more');


# The growth in the round with the least.

sub grown {
    my @rss = @_;

    return min(map { $rss[$_] - $rss[$_ - 1] } 1 .. $#rss);
}


# Parks devices in batches; returns their number.  Sets the least memory.

sub cycle {
    my ($way, $left) = @_;

    my ($transport, $kind, $path, undef, $batch) = @{ $ways{$way} };
    my $parked = 0;

    undef($least);

    while ($left > 0) {
        my $size = $left < $batch ? $left : $batch;
        my @devices = map { open_device($transport, $path, $way eq 'slow'
            ? 'slow' : 'user' . ++$n) } 1 .. $size;

        $t->wait_for(sub { $t->status()->{devices}{$kind} == $size }, $kind)
            and $parked += $size;

        drop_slow() if $way eq 'slow';
        close($_) for @devices;
        $t->wait_for(sub { $t->status()->{parked} == 0 }, 'all to leave');

        my $rss = $t->nginx()->rss();

        $least = $rss if !$least || $rss < $least;
        $left -= $size;
    }

    return $parked;
}


sub open_device {
    my ($transport, $path, $account) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port($transport)) or die "connect: $!\n";

    IO::Socket::SSL->start_SSL($socket, SSL_reuse_ctx => $context)
        or die "TLS: $SSL_ERROR\n" if $transport eq 'https';

    syswrite($socket, "GET $path?account=$account HTTP/1.1\r\n"
        . "Host: localhost\r\n\r\n");

    return $socket;
}


# Publishes until all devices are closed as slow; none reads.

sub drop_slow {
    $t->subscribed('slow');

    $t->wait_for(sub {
        $t->redis()->publish('slow', $event);
        $t->status()->{parked} == 0;
    }, 'all to be too slow');
}
