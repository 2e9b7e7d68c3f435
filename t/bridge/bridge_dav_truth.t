#!/usr/bin/perl

# Clients change objects at random while the bridge is killed, the server is
# restarted, its tokens are lost, and another calendar is always answered 500.
# At the end the state that a device builds from the events equals the
# server's. PIMAP_TRUTH=seconds runs it longer.

use strict;
use warnings;

use File::Path qw(remove_tree);
use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Cyrus;
use Pimap::Dav;
use Pimap::DavSession;
use Pimap::FakeDav;
use Pimap::Process qw(patience wait_for);

use constant PUTS => 10;        # at least, however slow the machine is

my $seconds = $ENV{PIMAP_TRUTH} // 6;
my $seed = $ENV{PIMAP_SEED} // int(rand(1e6));

my %books = (radicale => ['/alice/book/', '/alice/cal/', '/alice/n'],
    xandikos => ['/alice/contacts/addressbook/',
        '/alice/calendars/calendar/', '/alice/contacts/n'],
    cyrus => ['/dav/addressbooks/user/alice/Default/',
        '/dav/calendars/user/alice/Default/',
        '/dav/addressbooks/user/alice/n']);

my $t = Pimap->new(allow => qr/./);
$t->plan(3 * keys(%books));
diag("PIMAP_SEED=$seed") if $ENV{PIMAP_SEED};
srand($seed);

my ($kind, $dav, $server, $s, $state, %there, %done);

foreach (sort(keys(%books))) {
    $kind = $_;
    truth(@{ $books{$kind} });
}

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
    my $path = "$col$id." . ($col =~ /cal/ ? 'ics' : 'vcf');

    if (rand() < 0.3) {
        $done{delete}++ if $dav->delete($path) =~ /^20/;
        return;
    }

    my $text = $col =~ /cal/ ? $dav->event($id, rand()) : $dav->card($id,
        rand());

    $done{put}++ if $dav->put($path, $text) =~ /^20/;
}


sub something {
    my ($new) = @_;

    my $what = rand();

    if ($what < 0.02) {
        again('KILL');
        $done{killed}++;

    } elsif ($what < 0.03) {
        $server->stop();
        sleep(rand(0.3));
        $server->start();
        $done{restarted}++;

    } elsif ($what < 0.05 && $kind eq 'radicale') {
        my $root = $dav->dir() . '/collection-root/alice';
        remove_tree(glob("$root/*/.Radicale.cache/sync-token"));
        $done{forgotten}++;

    } elsif ($what < 0.08) {
        my $col = $new . int(rand(3)) . '/';

        # Cyrus sometimes answers 500 and has not deleted the object

        if ($there{$col}) {
            delete($there{$col}) if $dav->delete($col) =~ /^20/;

        } else {
            $there{$col} = 1 if $dav->make($col, 'addressbook') == 201;
        }

        $done{collections}++;

    } elsif ($what < 0.1) {
        $s->poke();

    } else {
        change();
    }
}


sub truth {
    my ($book, $cal, $new) = @_;

    $dav = Pimap::Dav->new(t => $t, kind => $kind);
    $server = $kind eq 'cyrus' ? Pimap::Cyrus->new(t => $t, dav => $kind)
        : $dav;
    $server->start();
    $server->add('alice') if $kind eq 'cyrus';

    if ($kind eq 'radicale') {
        $dav->make($book, 'addressbook', 'Book');
        $dav->make($cal, 'calendar', 'Cal');
    }

    my $broken = $cal =~ s|[^/]+/$|broken/|r;
    my $proxy = Pimap::FakeDav->new(t => $t, name => "$kind-proxy")->start();

    $dav->make($broken, 'calendar', 'Broken');
    $proxy->behave({ via => $dav->port(), broken => $broken });

    $s = Pimap::DavSession->new(t => $t, url => $proxy->url(),
        poll_max => 300)->start();
    $s->wait_ready();

    $state = { $book => {}, $cal => {} };
    %there = %$state;
    %done = ();

    my $end = time() + $seconds;

    while (time() < $end
        || ($done{put} // 0) <= PUTS && time() < $end + patience())
    {
        something($new);
        again('KILL') if $s->{over};
        $s->_read(time());
        sleep(rand(0.05));
    }

    my %truth = map { $_ => $dav->etags($_) } keys %there;
    my $got;

    wait_for(sub {
        again('KILL') if $s->{over};
        $s->_read(time() + 0.2);
        $got = $s->apply({ map { $_ => { %{ $state->{$_} } } }
            keys %$state });
        delete($got->{$broken});
        return eq_hash($got, \%truth);
    }, 30);

    is_deeply($got, \%truth,
        "$kind: the events lead to the state of the server")
        or diag("PIMAP_SEED=$seed");
    ok($proxy->noted(qr/(?:REPORT|PROPFIND) \Q$broken\E/),
        '    a calendar is broken');
    ok(($done{put} // 0) > PUTS, join(', ', map { "$_ $done{$_}" }
        sort keys %done));

    $s->stop();
    $proxy->stop();
    $server->stop();
}
