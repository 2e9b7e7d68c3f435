#!/usr/bin/perl

# A command that nodes of a cluster send on: it waits for the functions of the
# other node, does not run in a circle without a pause, and ends by the
# time-out.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeCluster;

use constant PACE => 10;        # commands a second that are sent again

my $t = Pimap->new(allow => qr/pimap (?:lost|cannot connect)/);
my $fake = Pimap::FakeCluster->new(t => $t, nodes => 4);
my %slots = (1 => [[0, 8191]], 2 => [[8192, 16383]]);
my $slot = $fake->slot_of('u879');
my %to = map { my $n = $_; map { ("$_$n" => "-$_ $slot 127.0.0.1:"
    . $fake->number($n) . "\r\n") } qw(MOVED ASK) } 1 .. 4;
my $post = 'FCALL pimap_post';

$t->{redis} = $fake;
$t->nginx()->{http} = 'pimap_redis ' . $fake->address(1)
    . ' timeout=2s probe=500ms;';

$t->plan(2 * 4 + 5 * 3 + 3);
$fake->set(slots => \%slots);
$fake->start();
$t->nginx()->start();
ok($t->wait_ready(), 'ready');
is(answer(publish()), 200, 'an event');


# The other node is a new one, which says late which functions it has.

my ($version) = $t->read_file($t->root() . '/redis/pimap.lua')
    =~ /^local VERSION = (\d+)/m;

for my $how (qw(ASK3 MOVED4)) {
    my ($new) = $how =~ /(\d)/;
    my @version = ($new, 'FCALL pimap_version');

    $fake->set(rules => [[@version, "1 s: :$version\r\n"],
        [2, $post, $to{$how}],
        [0, 'CLUSTER SHARDS', "-LOADING no\r\n"]]);

    my $waits = publish();

    ok($t->wait_for(sub { $fake->noted("$new $version[1].*") }),
        "$how: the node is asked for its functions");
    is($fake->noted("$new $post.*"), 0, '    it gets no call of them');
    $fake->set(rules => [[2, $post, $to{$how}]], slots => $how eq 'ASK3'
        ? \%slots : { 1 => $slots{1}, 2 => [[8192, $slot - 1],
            [$slot + 1, 16383]], $new => [[$slot, $slot]] });
    answer($waits);
    is(answer(publish()), 200, '    it has them: an event');
    cmp_ok($fake->noted("$new $post.*"), '>=', 1, '    which it gets');
    back();
}


# In a circle, and what is refused for the moment.

for my $case (['two masters', [1, $post, $to{MOVED2}],
        [2, $post, $to{MOVED1}]],
    ['two nodes that ask', [2, $post, $to{ASK1}], [1, $post, $to{ASK2}]],
    ['one node', [2, $post, $to{MOVED2}]],
    ['TRYAGAIN', [0, $post, "-TRYAGAIN Multiple keys request\r\n"]],
    ['CLUSTERDOWN', [0, $post, "-CLUSTERDOWN The cluster is down\r\n"]])
{
    my ($name, @rules) = @$case;
    my $sent = $fake->noted("\\d $post.*");
    my $began = time();

    $fake->set(rules => \@rules);
    is(answer(publish()), 503, "$name: refused at last");
    cmp_ok(time() - $began, '<', 2 * 2, '    by the time-out');
    cmp_ok($fake->noted("\\d $post.*") - $sent, '<=', 2 * 2 * PACE + 2,
        '    with a pause before it is sent again');
    back();
}

is(answer(publish()), 200, 'an event');


# The former master has the slot again.

sub back {
    $fake->set(rules => [[0, $post, $to{MOVED2}, 1]], slots => \%slots);
    $t->wait_for(sub {
        my $sent = $fake->noted("2 $post.*");

        answer(publish()) == 200 && $fake->noted("2 $post.*") > $sent;
    }, 'the former master');
}

sub publish {
    return $t->request('POST', '/publish?account=u879', close => 1,
        body => '{"event":"MessageNew"}');
}

sub answer { my ($s) = @_; return $s->status() }
