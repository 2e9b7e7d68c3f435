#!/usr/bin/perl

# Redis Cluster: a failover that loses events, and a failback to a master whose
# process went on, give no id to two events.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $event = { event => 'MessageNew' };

my ($one, $two) = map { Pimap::Redis->new(t => $t, name => $_, port => 1,
    options => ['cluster-enabled yes', "cluster-config-file $_.nodes",
        'cluster-port ' . $t->port("$_-bus"), 'enable-debug-command yes',
        'repl-diskless-sync-delay 0']) } qw(one two);

$t->plan(9);
$_->start() for $one, $two;
$one->load();

$one->command(qw(CLUSTER ADDSLOTSRANGE 0 16383));
$two->command(qw(CLUSTER MEET 127.0.0.1), $t->port('one'),
    $t->port('one-bus'));

my $id = $one->command(qw(CLUSTER MYID));

ok($t->wait_for(sub { !$two->error(qw(CLUSTER REPLICATE), $id) }, 'replica'),
    'a replica');

my @ids = map { publish($one) } 1 .. 5;

ok($t->wait_for(sub { last_of($two) eq $ids[-1] }, 'replication'),
    '    has the events');

# The master does not hear of the failover at once (the PONG of the bus), and
# takes two more events.

$one->command(qw(DEBUG DROP-CLUSTER-PACKET-FILTER 1));
$two->command(qw(CLUSTER FAILOVER TAKEOVER));
push(@ids, map { publish($one) } 6, 7);

my $lost = $ids[-1];

$one->command(qw(DEBUG DROP-CLUSTER-PACKET-FILTER -1));
ok($t->wait_for(sub { last_of($one) eq $ids[4] }, 'the end of the log'),
    'the former master loses events');

ok($t->wait_for(sub { !$one->error(qw(CLUSTER FAILOVER TAKEOVER)) },
    'failback'), '    and takes over again');
push(@ids, map { publish($one) } 8, 9);

my %times;

$times{$_}++ for @ids;
is(scalar(keys(%times)), @ids, 'no id is given again');

my ($old, $new) = map { /^(\d+)/ } $lost, $ids[-1];

ok($new > $old, '    the epoch is greater');
is($one->fcall('read', 'alice', split(/-/, $lost), 9)->[1], 'epoch',
    '    a reader resyncs');

ok($t->wait_for(sub { last_of($two) eq $ids[-1] }, 'replication'),
    'the replica follows');
$two->command(qw(CLUSTER FAILOVER TAKEOVER));

my ($third) = publish($two) =~ /^(\d+)-2$/;

ok($third > $new, '    and begins a log of its own');


# An event with this number; the slots may be on their way.

sub publish {
    my ($server) = @_;

    my $given;

    $t->wait_for(sub { $given = eval { $server->fcall('publish', 'alice',
        $event) } }, 'published');

    return $given;
}


sub last_of {
    my ($server) = @_;

    $server->command('READONLY');

    return eval { $server->command(qw(FCALL_RO pimap_last 1 pimap:{alice})) }
        // '';
}
