#!/usr/bin/perl

# Connections to Redis break in several ways: events published meanwhile arrive
# once and in order.  A restart of Redis ends the log, as its last events may
# be lost.  The log is still delivered, until the next event begins a new log.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

# Events are published during each trouble; a gap check would hide a loss.
# What is written survives a kill: no command has to wait for the disk.
my $t = Pimap->new(workers => 2);
my $redis = $t->redis(options => ['appendonly yes', 'appendfsync no',
    'key-load-delay 20']);

$t->nginx()->{http} = 'pimap_redis unix:' . $redis->socket()
    . ' timeout=1s probe=500ms; pimap_gap_check 0;';

my %uid = map { $_ => 0 } qw(alice bob);
my %uid_at = %uid;
my (%id_at, %told, %device);
my $client;

my @troubles = (
    ['subscribers killed', sub {
        publish(1);
        kill_clients('pubsub');
        publish(3);
    }],

    ['commanders killed', sub {
        kill_clients('normal');
        publish(3);
    }],

    ['all killed again and again', sub {
        for (1 .. 5) {
            $t->wait_for(sub { kill_clients('pubsub') }, 'a subscriber');
            kill_clients('normal');
            publish(20);
        }
    }],

    ['no connection is accepted for a while', sub {
        $client->command(qw(CONFIG SET maxclients 1));
        kill_clients($_) for qw(pubsub normal);
        publish(5);
        refused_again() for 1, 2;
        publish(5);
        $client->command(qw(CONFIG SET maxclients 1000));
        publish(5);
    }],

    ['too much output for a subscriber', sub {
        my $failures = failures();

        $client->command('CONFIG', 'SET', 'client-output-buffer-limit',
            'pubsub 64kb 0 0');
        $client->command('MULTI');
        publish(60, 'x' x 8192);
        $client->command('EXEC');
        $t->wait_for(sub { failures() > $failures }, 'limit hit');
        publish(5);
        $client->command('CONFIG', 'SET', 'client-output-buffer-limit',
            'pubsub 32mb 8mb 60');
    }],

    ['Redis stopped and started', sub {
        publish(3);
        $redis->stop();
        $redis->start();
        $client = $redis->connect();
        is(wrong($_, 0), '', "$_ gets the rest of the log") for qw(alice bob);
        publish(3);
    }, 1],

    ['Redis killed', sub {
        publish(500);
        $redis->kill();
        $redis->start();
        $client = $redis->connect();
        publish(500);
    }, 1],

    ['Redis does not answer for a while', sub {
        $redis->pause();
        $t->wait_for(sub { $t->log_lines(qr/did not come back|in time/) },
            'noticed');
        $redis->resume();
        publish(10);
    }],
);

$t->plan(2 + 6 * @troubles + 2);
$t->run();
$t->wait_ready();
$client = $redis->connect();

sub mail {
    my ($account, $text) = @_;

    return $t->json({ event => 'MessageNew', uid => ++$uid{$account},
        preview => $text // '' });
}

# Publishes to both accounts, pipelined.

sub publish {
    my ($n, $text) = @_;

    for my $account (('alice', 'bob') x $n) {
        $client->send('FCALL', 'pimap_publish', 1, $redis->channel($account),
            mail($account, $text));
    }

    $client->reply() // die "no reply\n" for 1 .. 2 * $n;
}

sub kill_clients { $client->command(qw(CLIENT KILL TYPE), $_[0]) }

sub failures {
    my $status = $t->status();
    my $sum = 0;

    $sum += $_->{redis}{failures} for @{ $status->{workers} };
    return $sum;
}

sub refused_again {
    my $before = failures();
    $t->wait_for(sub { failures() > $before }, 'refused');
}

# Reads the events up to the last one published; returns the first fault, or an
# empty string.  Each event follows the one before or a resync; their number is
# given.

sub wrong {
    my ($account, $resyncs) = @_;

    my $uid = $uid_at{$account};
    my $last = $client->command('FCALL_RO', 'pimap_last', 1,
        $redis->channel($account));

    while (($id_at{$account} // '') ne $last) {
        my $event = $device{$account}->event() || return "$uid is the last";
        my ($epoch, $n) = $event->{id} =~ /^(\d+)-(\d+)$/;
        my $next = "$epoch-" . ($n - 1);

        if ($event->{event} eq 'resync') {
            return "a resync after $uid: $event->{data}" if $resyncs-- <= 0;

        } elsif ($next ne ($id_at{$account} // $next)
            || $event->{json}{uid} <= $uid
            || $event->{json}{uid} != $uid + 1 && !$told{$account})
        {
            return "after $uid: $event->{id} $event->{data}";

        } else {
            $uid = $event->{json}{uid};
        }

        $told{$account} = $event->{event} eq 'resync';
        $id_at{$account} = $event->{id};
    }

    $uid_at{$account} = $told{$account} ? $uid{$account} : $uid;

    return "$uid is the last" if $uid_at{$account} != $uid{$account};
    return $resyncs > 0 ? 'no resync' : '';
}

$device{$_} = $t->park($_) for keys(%uid);
$_->read_until(qr/: parked\n.*\n\n/) for values(%device);

ok($t->subscribed($_), "$_ is subscribed") for qw(alice bob);

for (@troubles) {
    my ($name, $trouble, $resyncs) = @$_;
    my $before = $t->status()->{log}{resyncs};

    $resyncs //= 0;
    $trouble->();

    is(wrong($_, $resyncs), '', "$name: $_") for qw(alice bob);
    ok($t->wait_ready(), "$name: ready again");
    publish(1);
    is(wrong($_, 0), '', "$name: $_ is live again") for qw(alice bob);
    is($t->status()->{log}{resyncs} - $before, 2 * $resyncs,
        "$name: $resyncs resyncs for each device");
}
