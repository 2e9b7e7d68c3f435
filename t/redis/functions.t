#!/usr/bin/perl

# The parameter "functions" of "pimap_redis".  Without the log, devices get
# only live events, and a device that resumes gets "resync".

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my %t = (load => Pimap->new());
my $redis = $t{load}->redis(users => ['default on nopass ~* &* +@all '
    . '-fcall -fcall_ro -function']);

$t{$_} = Pimap->new(redis => $redis) for qw(off use);

for my $name (keys(%t)) {
    my $functions = $name eq 'load' ? '' : " functions=$name";

    $t{$name}->nginx()->{http} = 'pimap_redis unix:' . $redis->socket()
        . "$functions; pimap_gap_check 0;";
}

my $missing = qr/no log in redis, events are live only: (.*)/;
my $event = { event => 'MessageNew', uid => 1 };

$redis->start();
$t{load}->plan(50);
$_->run() for values(%t);
$_->wait_ready() for values(%t);

for my $name (qw(off use load)) {
    my $t = $t{$name};
    my $s = $t->park('alice');

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed('alice');
    is($s->header('Pimap-Last-Event-ID'), undef, "$name: no id to start from");

    # The first device of an account, and a device of a subscribed account.

    for my $account (qw(bob alice)) {
        my $r = $t->park($account, headers => { 'Last-Event-ID' => '17-4' });

        my $text = $r->read_until(qr/: parked\n.*\n\n/) // '';
        my $told = $r->event() // {};

        like($text,
            qr/\Aretry: \d+\nid: 17-4\nevent: parked\ndata: \{\}\n\n\z/,
            "$name: $account is accepted");
        is($told->{json}{reason}, 'unavailable',
            "$name: $account gets resync");
        is($told->{id}, '17-4', "$name: $account keeps its id");

        my $answer = $t->publish($account, $event);

        is($answer->{status}, 200, "$name: $account: published");
        is($answer->{json}{id}, undef, "$name: $account: without an id");
        is($r->event()->{json}{uid}, 1, "$name: $account: live");
        $r->close();
    }

    $s->close();
}

is($t{off}->log_lines($missing), 0, 'off: nothing is logged');
is($t{load}->log_lines($missing), 1, 'load: logged once');
is($t{use}->log_lines($missing), 1, 'use: logged once');

# An administrator permits and loads the functions: the next connection uses
# them, except with "off".

my $client = $redis->connect();

$client->command(qw(ACL SETUSER default +@all));
$client->command(qw(CLIENT KILL TYPE normal));

ok($t{load}->wait_for(sub { $t{load}->publish('carol', $event)->{json}{id} },
    'an id'), 'load: the log is used');
$client->command(qw(CLIENT KILL TYPE normal));
ok($t{use}->wait_for(sub { $t{use}->publish('carol', $event)->{json}{id} },
    'an id'), 'use: found');

my $r = $t{use}->park('carol', query => 'last-event-id=0');

is($r->event()->{json}{uid}, 1, 'use: devices resume');
is($t{use}->log_lines(qr/loaded its functions/), 0, 'use: not loaded');

# The library is deleted: only "load" loads it again.

$client->command(qw(FUNCTION DELETE pimap));
$client->command(qw(CLIENT KILL TYPE normal));
ok($t{load}->wait_for(sub { $t{load}->log_lines(qr/loaded its functions/) > 1
    }, 'loaded'), 'load: loaded again');
is($t{off}->publish('carol', $event)->{json}{id}, undef,
    'off: still without ids');

# A client loads an older library while nginx runs.

my $old = $redis->{t}->read_file($redis->{t}->root() . '/redis/pimap.lua')
    =~ s/^local VERSION = \d+/local VERSION = 1/mr;

$client->command(qw(FUNCTION LOAD REPLACE), $old);
is($client->command(qw(FCALL pimap_version 0)), 1, 'an older library');
ok($t{load}->wait_for(sub { $client->command(qw(FCALL pimap_version 0)) > 1 },
    'the library'), 'load: replaced');
