#!/usr/bin/perl

# A detached device that does not read uses at most pimap_buffer.  It is closed
# as slow, or when no byte moves for pimap_send_timeout.  A device that reads
# late gets all events.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

# a small send buffer makes a slow device slow at once
my $t = Pimap->new(mode => '', listen => 'sndbuf=16k',
    locations => join("\n", map { <<"END" }
        location = /$$_[0] {
            pimap_account \$arg_account;
            $$_[1]
            pimap_events;
        }
END
    [detached => ''], [hibernated => 'pimap_hibernate on;'],
    [large => 'pimap_buffer 64m;'],
    [largehibernated => 'pimap_buffer 64m; pimap_hibernate on;'],
    [timeout => 'pimap_buffer 64m; pimap_send_timeout 1s;'],
    [timeouthibernated =>
        'pimap_buffer 64m; pimap_send_timeout 1s; pimap_hibernate on;'])
    . 'location = /status { pimap_status; }');
my @kinds = ([http => 'detached', ''], [https => 'detachedTls', ''],
    [https => 'hibernated', 'hibernated']);
my $event = { event => 'MessageNew', preview => $t->noise(10_000) };

$t->plan(29);
$t->run();

# Small events: the one that is not taken whole is followed by no other byte.

my $small = park('timeout', 'http', 'detached');

ok($t->wait_for(sub {
    $t->redis()->publish('slow', { %$event, preview => 'x' x 1000 });
    $t->status()->{ends}{timeout} == 1;
}, 'a time-out'), 'small events: no byte is sent for the time-out');
$small->close();

for (@kinds) {
    my ($transport, $kind, $path) = @$_;

    # A slow device.

    my $s = park($path || 'detached', $transport, $kind);
    my $n = fill('slow');
    ok($n, "$kind: a slow device is closed");
    like($t->log(), qr/\[warn\] .*reason="slow" .* events="@{[ $n - 1 ]}"/,
        'the log has the number of events');
    $s->closed();
    ok(!$s->{last}, 'the response has no proper end');

    # A late reader: every event comes, in order.

    $s = park("large$path", $transport, $kind);
    publish(100);
    is(uids($s), join(' ', 1 .. 100), "$kind: a late reader gets all events");
    $s->close();
    gone();

    # A device that leaves with unsent bytes; a device that is superseded.

    $s = park("large$path", $transport, $kind);
    publish(100);
    $s->abort();
    ok(gone(), "$kind: a device leaves with unsent bytes");

    $s = park("large$path", $transport, $kind);
    publish(100);
    my $newer = $t->park('slow', path => '/detached', query => 'device=d');
    $newer->read_until(qr/: parked\n.*\n\n/);
    $newer->close();
    uids($s);
    is(($s->event() // {})->{event}, 'superseded',
        "$kind: superseded after all unsent bytes");
    ok($s->ended() && $s->closed(), 'with a proper end');
    gone();

    # No byte moves.

    $s = park("timeout$path", $transport, $kind);
    $t->redis()->publish('slow', $event) for (1 .. 150);
    ok($t->wait_for(sub { $t->log()
        =~ /reason="timeout" .* transport="@{[ log_kind($kind) ]}"/ },
        'a time-out'), "$kind: no byte is sent for the time-out");
    $s->close();
    ok(gone(), 'closed');
}

# A device that was slow, and has read all

my $s = park('timeout', 'http', 'detached');

together(100);
uids($s);
ok($s->quiet(1.5), 'a device that was slow has read all: it stays');
$s->close();


sub park {
    my ($path, $transport, $kind, $n) = @_;

    my $s = $t->park('slow', path => "/$path", transport => $transport,
        query => 'device=d' . ($n // ''));

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->wait_for(sub { $t->status()->{devices}{$kind} == ($n // 1) }, $kind);
    $t->subscribed('slow');

    return $s;
}


sub together {
    my ($n) = @_;

    $t->redis()->together(sub {
        $t->redis()->publish('slow', { %$event, uid => $_ }) for 1 .. $n;
    });
}


# Until the worker has received them

sub publish {
    my ($n) = @_;

    my $received = $t->status()->{events}{received};

    together($n);
    $t->wait_for(sub {
        $t->status()->{events}{received} >= $received + $n
    }, 'all of them');
}


# The numbers of 100 events, read as fast as they come.

sub uids {
    my ($s) = @_;

    return join(' ', ($s->read_until(qr/"uid":100\}\n\n/) // '')
        =~ /"uid":(\d+)\}/g);
}


# Publishes until all are closed; returns the number of events.

sub fill {
    for my $n (1 .. 400) {
        my $received = $t->status()->{events}{received};

        $t->redis()->publish('slow', $event);
        $t->wait_for(sub { $t->status()->{events}{received} > $received });

        return $n if $t->status()->{parked} == 0;
    }

    return;
}


sub gone {
    return $t->wait_for(sub { $t->status()->{parked} == 0 }, 'all gone');
}


sub log_kind { $_[0] eq 'detachedTls' ? 'detached-tls' : $_[0] }
