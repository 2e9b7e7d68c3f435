#!/usr/bin/perl

# A device is parked, hibernated and handed over by a reload: the debug log
# shows its states in order, as docs/operations.md does.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new(log => 'debug', mode => 'pimap_hibernate on;');
my ($page) = grep { $_->name() eq 'docs/operations.md' }
    Pimap::Page->all($t->root());
my ($block) = $page->blocks('text', 'Follow one device');

$t->plan(5);
$t->run();
$t->wait_ready();

my $s = $t->park('alice', transport => 'https', query => 'device=phone');

$s->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { seen('hibernated') && seen('live') }), 'hibernated');

$t->redis()->log('alice', { event => 'MessageNew', uid => 1 });
is($s->event()->{json}{uid}, 1, 'an event');

my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }), 'a reload');

$t->redis()->log('alice', { event => 'MessageNew', uid => 2 });
is($s->event()->{json}{uid}, 2, 'an event after the reload');

$s->close();
$t->wait_for(sub { seen('end') }, 'the end');

is(life($t->log()), life($block->{text}), 'its life');


sub seen { return $t->log() =~ /pimap device: $_[0] account:"alice"/ }


# The lines of each worker, in order.  An event's id has a time.

sub life {
    my ($log) = @_;

    my (%lines, @pids);

    while ($log =~ /#(\d+): .*(pimap device: .* device:"phone" .*)/g) {
        my ($pid, $line) = ($1, $2);

        push(@pids, $pid) if !$lines{$pid};
        push(@{ $lines{$pid} }, $line =~ s/id:[1-9]\d*-/id:TIME-/r);
    }

    return join("\n", map { ('a worker', @{ $lines{$_} }) } @pids);
}
