#!/usr/bin/perl

# Whatever happens to the connections to Redis, or to Redis itself: what was
# published meanwhile arrives, once and in order.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Pimap;

# Each trouble gets publishing while it lasts; "check" would hide a loss.
my $t = Pimap->new(workers => 2);
my $redis = $t->redis(options => ['appendonly yes', 'appendfsync always',
    'key-load-delay 20']);

$t->nginx()->{http} = 'pimap_redis unix:' . $redis->socket()
    . ' timeout=1s probe=500ms; pimap_check 0;';

my %uid = map { $_ => 0 } qw(alice bob);
my %device;
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
        publish(3);
    }],

    ['Redis killed', sub {
        publish(500);
        $redis->kill();
        $redis->start();
        $client = $redis->connect();
        publish(500);
    }],

    ['Redis does not answer for a while', sub {
        $redis->pause();
        $t->wait_for(sub { $t->log_lines(qr/did not come back|in time/) },
            'noticed');
        $redis->resume();
        publish(10);
    }],
);

$t->plan(2 + 5 * @troubles);
$t->run();
$t->wait_ready();
$client = $redis->connect();

sub mail {
    my ($account, $text) = @_;

    return $t->json({ event => 'MessageNew', uid => ++$uid{$account},
        preview => $text // '' });
}

# To both accounts; one command after the other, without waiting.

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

# A complaint about the events that came, or none.

sub wrong {
    my ($account, $from) = @_;

    for my $uid ($from + 1 .. $uid{$account}) {
        my $event = $device{$account}->event() // return "no $uid";

        return "not $uid: $event->{data}"
            if $event->{event} ne 'MessageNew' || $event->{json}{uid} != $uid
            || $event->{id} !~ /-$uid$/;
    }

    return '';
}

$device{$_} = $t->park($_) for keys(%uid);
$_->read_until(qr/: parked\n\n/) for values(%device);

ok($t->subscribed($_), "$_ is subscribed") for qw(alice bob);

for (@troubles) {
    my ($name, $trouble) = @$_;
    my %before = %uid;

    $trouble->();

    is(wrong($_, $before{$_}), '', "$name: $_") for qw(alice bob);
    ok($t->wait_ready(), "$name: ready again");

    %before = %uid;
    publish(1);
    is(wrong('alice', $before{alice}) . wrong('bob', $before{bob}), '',
        "$name: live again");
    is($t->status()->{log}{resyncs}, 0, "$name: without resync");
}
