#!/usr/bin/perl

# While clients change things at random, the bridge is killed, the server is
# restarted and its tokens forgotten, the state that a device makes of the
# events is in the end what the server has.  PIMAP_TRUTH=seconds for longer.

use strict;
use warnings;

use File::Path qw(remove_tree);
use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavSession;
use Pimap::Process qw(wait_for);

my $seconds = $ENV{PIMAP_TRUTH} // 10;
my $seed = $ENV{PIMAP_SEED} // int(rand(1e6));

my $t = Pimap->new(allow => qr/./);
$t->plan(2);
diag("PIMAP_SEED=$seed") if $ENV{PIMAP_SEED};
srand($seed);

my $dav = Pimap::Dav->new(t => $t)->start();

$dav->make('/alice/book/', 'addressbook', 'Book');
$dav->make('/alice/cal/', 'calendar', 'Cal');

my $s = Pimap::DavSession->new(t => $t, url => $dav->url(), poll_max => 300)
    ->start();
$s->wait_ready();

my $state = { '/alice/book/' => {}, '/alice/cal/' => {} };
my %there = %$state;
my %done;

sub again {
    my ($signal) = @_;

    $s->_read(time()) for 1 .. 50;
    $s->stop($signal);
    $state = $s->apply($state);
    $s->start();
}

sub change {
    my $col = (sort keys %there)[rand(keys %there)];
    my $id = int(rand(30));

    if (rand() < 0.3) {
        $done{delete}++ if $dav->delete("$col$id.x") == 200;
        return;
    }

    my $text = $col =~ /cal/ ? $dav->event($id, rand()) : $dav->card($id,
        rand());

    $done{put}++ if $dav->put("$col$id.x", $text) =~ /^20/;
}

my $end = time() + $seconds;

while (time() < $end) {
    my $what = rand();

    if ($what < 0.02) {
        again('KILL');
        $done{killed}++;

    } elsif ($what < 0.03) {
        $dav->stop();
        sleep(rand(0.3));
        $dav->start();
        $done{restarted}++;

    } elsif ($what < 0.05) {
        my $root = $dav->dir() . '/collection-root/alice';
        remove_tree(glob("$root/*/.Radicale.cache/sync-token"));
        $done{forgotten}++;

    } elsif ($what < 0.08) {
        my $col = '/alice/n' . int(rand(3)) . '/';

        if (delete($there{$col})) {
            $dav->delete($col);

        } else {
            $there{$col} = 1 if $dav->make($col, 'addressbook') == 201;
        }

        $done{collections}++;

    } elsif ($what < 0.1) {
        $s->poke();

    } else {
        change();
    }

    again('KILL') if $s->{over};
    $s->_read(time());
    sleep(rand(0.05));
}

my %truth = map { $_ => $dav->etags($_) } keys %there;
my $got;

wait_for(sub {
    again('KILL') if $s->{over};
    $s->_read(time() + 0.2);
    $got = $s->apply({ map { $_ => { %{ $state->{$_} } } } keys %$state });
    return eq_hash($got, \%truth);
}, 30);

is_deeply($got, \%truth, 'the events tell the truth')
    or diag("PIMAP_SEED=$seed");
ok(($done{put} // 0) > 10, join(', ', map { "$_ $done{$_}" } sort keys %done));

$s->stop();
