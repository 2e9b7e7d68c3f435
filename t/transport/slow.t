#!/usr/bin/perl

# A device that does not read: its buffer is limited, then it is closed and
# counted, and no other device waits for it.  If the buffer is not full, it is
# closed when no byte was sent for "pimap_send_timeout".

use strict;
use warnings;

use Socket;
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);
my $large = { event => 'MessageNew', preview => Pimap->noise(60_000) };

# The kernel would choose buffers of megabytes.
my $t = Pimap->new(listen => 'sndbuf=32k', server => 'pimap_buffer 64k;');
my $timeout = Pimap->new(redis => $t->redis(), listen => 'sndbuf=32k',
    server => 'pimap_send_timeout 1s; pimap_buffer 16m;');

$t->plan(6 * @transports + 5 * @transports);

$_->run() for $t, $timeout;

# A device that has read the head, and stops reading.

sub park_silent {
    my ($at, $account, $transport) = @_;

    my $s = $at->park($account, transport => $transport);

    $s->read_until(qr/: parked\n.*\n\n/);

    if ($s->{process}) {
        $s->{process}->signal('STOP');

    } else {
        setsockopt($s->{fh}, SOL_SOCKET, SO_RCVBUF, 4096);
    }

    return $s;
}

sub ended {
    my ($at, $reason, $account) = @_;

    my $line = qq(pimap ended: reason="$reason" account="$account");

    return $at->log() =~ /\[(\w+)\] .*\Q$line\E/ ? $1 : '';
}

for my $transport (@transports) {
    my $account = "alice-$transport";
    my $before = $t->status();
    my $silent = park_silent($t, $account, $transport);
    my $other = $t->park($account);

    $other->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);

    my $rss = $t->nginx()->rss();
    my ($sent, $got, $slowest) = (0, 0, 0);

    while ($sent < 200 && !ended($t, 'slow', $account)) {
        my $start = time();

        $t->redis()->publish($account, $large);
        $sent++;
        $got++ if $other->event();

        my $took = time() - $start;
        $slowest = $took if $took > $slowest;
    }

    my $after = $t->status();

    is(ended($t, 'slow', $account), 'warn', "$transport: closed, and logged");
    is($after->{ends}{slow}, $before->{ends}{slow} + 1,
        "$transport: counted as slow");
    is($after->{events}{dropped}, $before->{events}{dropped} + 1,
        "$transport: an event counted as dropped");
    is($got, $sent, "$transport: another device of the account got all $sent");
    cmp_ok($slowest, '<', 2, "$transport: without a delay");
    cmp_ok($t->nginx()->rss() - $rss, '<', $t->slack(2048),
        "$transport: the worker has freed the memory");

    $silent->{process}->signal('CONT') if $silent->{process};
    $_->close() for $silent, $other;
}

# The kernel's buffer is full, ours is not; then no other event comes.

for my $transport (@transports) {
    my $account = "bob-$transport";
    my $before = $timeout->status();
    my $silent = park_silent($timeout, $account, $transport);
    my $other = $timeout->park($account);
    my $start = time();

    $other->read_until(qr/: parked\n.*\n\n/);
    $timeout->subscribed($account);

    my $got = grep {
        $t->redis()->publish($account, $large);
        $other->event();
    } 1 .. 40;

    is($got, 40, "$transport: another device of the account gets all");
    ok($timeout->wait_for(sub { ended($timeout, 'timeout', $account) },
        'the end'), "$transport: closed")
        or diag($timeout->log() =~ /^.* pimap ended: .*\n/mg);
    cmp_ok(time() - $start, '>=', 0.9, "$transport: not before the time-out");
    is($timeout->status()->{ends}{timeout}, $before->{ends}{timeout} + 1,
        "$transport: counted");
    ok($other->quiet(0), "$transport: the other device stays");

    $silent->{process}->signal('CONT') if $silent->{process};
    $_->close() for $silent, $other;
}
