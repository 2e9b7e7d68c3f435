#!/usr/bin/perl

# Answers of Redis about updates are lost with a connection, or refused.  An
# accepted update is carried out once all the same, and its device gets the
# result.  Updates that wait for long are seen by the operator.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(18);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
$dovecot->deliver(to => 'alice', subject => 'mail');

my $redis = $t->redis();
my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    updates => 'timeout = "30s";', sessions => 'backoff_max = "500ms";')
    ->start()->wait_healthy();

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n.*\n\n/);
ok($bridge->watches(1), 'the account is watched');

sub update {
    my ($id, %update) = @_;

    $redis->command('FCALL', 'pimap_update', 2, 'pimap:{alice}',
        'pimap:updates', 100, 'phone', $id,
        $t->json({ id => $id, %update }));
}

sub result {
    while (my $event = $s->event()) {
        return $event->{json} if $event->{event} eq 'UpdateResult';
    }

    return {};
}

sub consumers {
    return map { my %consumer = @$_; $consumer{name} }
        @{ $redis->command('XINFO', 'CONSUMERS', 'pimap:updates',
            'pimap-bridge') };
}

sub pending {
    return $redis->command('XPENDING', 'pimap:updates', 'pimap-bridge')->[0];
}

sub copies {
    my $imap = $dovecot->imap();

    $imap->command('SELECT INBOX');

    return scalar(() = $imap->command('FETCH 1:* UID') =~ /FETCH/g);
}

my %copy = (update => 'copy', mailbox => 'INBOX', uids => [1],
    to => 'INBOX');

# Redis has given 60 entries to the bridge, and the answer was lost.

$t->wait_for(sub { consumers() }, 'a consumer');

my ($name) = consumers();
$bridge->pause();
$redis->command('CLIENT', 'KILL', 'TYPE', $_) for qw(normal pubsub);
update("l$_", update => 'store', mailbox => 'INBOX', uids => [1],
    add => ['\Flagged']) for 1 .. 59;
update('l60', %copy);
is(scalar(@{ $redis->command('XREADGROUP', 'GROUP', 'pimap-bridge', $name,
    'STREAMS', 'pimap:updates', '>')->[0][1] }), 60,
    'Redis counts 60 updates as read by the bridge');
$bridge->resume();
my @results = map { result() } 1 .. 60;
is(scalar(grep { ($_->{status} // '') eq 'done' } @results), 60,
    'the bridge has not got them: all are carried out')
    or diag($t->json([grep { $_->{status} ne 'done' } @results]));
is($results[59]{update}, 'l60', '    in their order');
is(copies(), 2, '    the copy is made once');
ok($t->wait_for(sub { pending() == 0 }, 'nothing pending'),
    '    nothing is pending');

# The answer of a claim was lost.

$bridge->pause();
update('c1', %copy);
$redis->command('XREADGROUP', 'GROUP', 'pimap-bridge', $name,
    'STREAMS', 'pimap:updates', '>');
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal');
$bridge->resume();
is(result()->{status}, 'done', 'a claim had no answer: carried out');
is(copies(), 3, '    the copy is made once');

# Redis does not remove an update from the stream.

$redis->command('ACL', 'SETUSER', 'default', '-xdel');
update('r1', %copy);
is(result()->{status}, 'done', 'Redis refuses XDEL: an update is done');
$redis->command('CLIENT', 'KILL', 'TYPE', 'normal');
ok($bridge->wait_healthy(), '    the bridge connects again');
update('r2', update => 'store', mailbox => 'INBOX', uids => [1],
    add => ['\Seen']);
is(result()->{update}, 'r2', '    it does not wait for that');
$redis->command('ACL', 'SETUSER', 'default', '+@all');
ok($t->wait_for(sub { $redis->command('XLEN', 'pimap:updates') == 0 },
    'an empty stream'), '    allowed again: it is removed');
is(copies(), 4, '    the copy is made once');

# An update waits for longer than a lease, as the mail server is away.

$dovecot->kill();
update('w1', update => 'store', mailbox => 'INBOX', uids => [1],
    add => ['\Draft']);
ok($t->wait_for(sub { $bridge->metric('updates_late') == 1 }, 'late', 15),
    'an update waits for longer than a lease: counted');
like($bridge->get('/healthz')->{body}, qr/"updatesLate":1\b/,
    '    /healthz shows it');
like($bridge->log(), qr/\[warn\].* updates: 1 have been read over 3 s ago and/,
    '    the log has it');
$dovecot->start();
is(result()->{status}, 'done', '    the server is back: the update is done');

# A new start is a new bridge, even if it has the same process id.

$bridge->stop();
$bridge = Pimap::Bridge->new(%$bridge)->start()->wait_healthy();
ok($t->wait_for(sub {
    my %random = map { /-([0-9a-f]{8})$/ ? ($1 => 1) : () } consumers();

    return keys(%random) == 2;
}, 'a new consumer'), 'a restart: the random part of the name is new');
$bridge->stop();
