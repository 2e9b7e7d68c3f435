#!/usr/bin/perl

# An error of Redis is no answer: the bridge asks again.  The consumer group is
# made, and parked devices are found, as soon as Redis lets it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(5);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    master => 1)->start();
$dovecot->deliver(to => 'alice', subject => 'a mail');

my $redis = $t->redis();
my $client = $redis->connect();

$client->command(qw(ACL SETUSER default -xgroup -pubsub|channels));

my $bridge = Pimap::Bridge->new(t => $t, server => Pimap::Bridge->master(),
    updates => 'timeout = "30s";')->start();
my $s = $t->park('alice', query => 'device=phone');

$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');
ok($t->wait_for(sub { $bridge->log() =~ /cannot create the consumer group/ }),
    'no right to make the group: an error');
ok($t->wait_for(sub { $bridge->log() =~ /does not learn which devices/ }),
    'no right to ask for parked devices: an error');
$client->command(qw(ACL SETUSER default +pubsub|channels));
ok($t->wait_for(sub { ($bridge->metric('accounts_with_session') // 0) == 1 },
    'a session', 30), 'with the right to ask: one is found');

$redis->command('FCALL', 'pimap_update', 2, 'pimap:{alice}',
    'pimap:updates', 100, 'phone', 'u1', $t->json({ id => 'u1',
        update => 'store', mailbox => 'INBOX', uids => [1],
        add => ['\Flagged'] }));
is($redis->command('XLEN', 'pimap:updates'), 1, 'an update waits');
$client->command(qw(ACL SETUSER default +xgroup));

my $result = result();

is("$result->{update} $result->{status}", 'u1 done',
    'with the right to make the group: the update is carried out');


sub result {
    while (my $event = $s->event()) {
        return $event->{json} if $event->{event} eq 'UpdateResult';
    }

    return { update => '', status => '' };
}
