#!/usr/bin/perl

# A device that does not read: what waits for it is bounded, then it is closed
# and counted, and no other device waits for it.  One that gets too little for
# that is closed when nothing could be sent for "pimap_send_timeout".

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

# The kernel's buffers of their own choice would take megabytes.
my $t = Pimap->new(listen => 'sndbuf=32k', server => 'pimap_buffer 64k;');
my $timeout = Pimap->new(redis => $t->redis(), listen => 'sndbuf=32k',
    server => 'pimap_send_timeout 1s; pimap_buffer 16m;');

$t->plan(6 * @transports + 5 * @transports);

$_->run() for $t, $timeout;

# It has read the head, and stops.

sub park_silent {
    my ($at, $account, $transport) = @_;

    my $s = $at->park($account, transport => $transport);

    $s->read_until(qr/: parked\n\n/);

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

    $other->read_until(qr/: parked\n\n/);
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

    is(ended($t, 'slow', $account), 'warn', "$transport: closed, and said");
    is($after->{ends}{slow}, $before->{ends}{slow} + 1,
        "$transport: counted as slow");
    is($after->{events}{dropped}, $before->{events}{dropped} + 1,
        "$transport: one event counted as dropped");
    is($got, $sent, "$transport: another one of the account got all $sent");
    cmp_ok($slowest, '<', 2, "$transport: and none of them late");
    cmp_ok($t->nginx()->rss() - $rss, '<', $t->slack(2048),
        "$transport: the worker did not keep them");

    $silent->{process}->signal('CONT') if $silent->{process};
    $_->close() for $silent, $other;
}

# The kernel is full, the buffer is not; then nothing else comes.

for my $transport (@transports) {
    my $account = "bob-$transport";
    my $before = $timeout->status();
    my $silent = park_silent($timeout, $account, $transport);
    my $other = $timeout->park($account);
    my $start = time();

    $other->read_until(qr/: parked\n\n/);
    $timeout->subscribed($account);

    my $got = grep {
        $t->redis()->publish($account, $large);
        $other->event();
    } 1 .. 40;

    is($got, 40, "$transport: another one of the account gets all");
    ok($timeout->wait_for(sub { ended($timeout, 'timeout', $account) },
        'the end'), "$transport: closed")
        or diag($timeout->log() =~ /^.* pimap ended: .*\n/mg);
    cmp_ok(time() - $start, '>=', 0.9, "$transport: not before the time-out");
    is($timeout->status()->{ends}{timeout}, $before->{ends}{timeout} + 1,
        "$transport: counted");
    ok($other->quiet(0), "$transport: the other one stays");

    $silent->{process}->signal('CONT') if $silent->{process};
    $_->close() for $silent, $other;
}
