#!/usr/bin/perl

# A DAV session of the bridge with a Cyrus: what other clients do to contacts
# and calendars is told, once, also what was missed, and updates are carried
# out, never over what the device has not seen.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Cyrus;
use Pimap::Dav;
use Pimap::DavSession;

my $book = '/dav/addressbooks/user/alice/Default/';
my $cal = '/dav/calendars/user/alice/Default/';
my $new = '/dav/addressbooks/user/alice/team/';
my %none = ('If-None-Match' => '*');

my $t = Pimap->new();
$t->plan(69);

my $cyrus = Pimap::Cyrus->new(t => $t, dav => 'cyrus')->start()->add('alice');
my $dav = Pimap::Dav->new(t => $t, kind => 'cyrus');

# its default collections are made when they are first asked for

my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();

is($s->wait_ready(), 'polling', 'found');
is_deeply([$s->published()], [], 'what is there is no event');
is_deeply([sort keys %{ $s->states() }],
    ["\tdav", "\tdav:$book", "\tdav:$cal"], 'both are watched');

test_objects($book, 'vcf', 'ContactChange', sub { $dav->card(@_) });
test_objects($cal, 'ics', 'CalendarChange', sub { $dav->event(@_) });
test_updates($book, 'vcf', 'ContactChange', sub { $dav->card(@_) });
test_updates($cal, 'ics', 'CalendarChange', sub { $dav->event(@_) });
test_collection();
test_missed();

$s->stop();

test_master();

$cyrus->stop();


sub test_objects {
    my ($col, $ext, $name, $text) = @_;

    my $href = "${col}1.$ext";

    is($dav->put($href, $text->('1', 'Ann'), %none), 201, "$name: put");
    my $event = $s->event($name);
    my $etag = $dav->etags($col)->{$href};

    is($event->{collection}, $col, '    of this collection');
    is_deeply($event->{changed}, [{ href => $href, etag => $etag }],
        '    it alone');
    like($event->{syncToken}, qr/./, '    with a token');

    is($dav->put($href, $text->('1', 'Eve'), %none), 412, '    only once');
    is($dav->put($href, $text->('1', 'Anna'), 'If-Match' => $etag), 204,
        '    changed');
    is_deeply($s->event($name)->{changed}, [{ href => $href,
        etag => $dav->etags($col)->{$href} }], '    told');

    is($dav->delete($href), 204, '    deleted');
    $event = $s->event($name);
    is_deeply([@{$event}{qw(changed removed)}], [[], [$href]], '    told');
}


sub test_updates {
    my ($col, $ext, $name, $text) = @_;

    my $href = "${col}2.$ext";
    my $r = $s->update(update => 'dav.put', href => $href,
        text => $text->('2', 'Bob'));

    is($r->{status}, 'done', 'dav.put') or diag(explain($r));

    my $etag = $dav->etags($col)->{$href};

    is($r->{etag}, $etag, '    its etag');
    is($s->event($name)->{changed}[0]{href}, $href, '    told');

    $r = $s->update(update => 'dav.put', href => $href,
        text => $text->('2', 'Eve'));
    is("$r->{status} $r->{etag}", "conflict $etag", '    it is there already');

    $dav->put($href, $text->('2', 'Bobby'));
    my $now = $dav->etags($col)->{$href};

    $r = $s->update(update => 'dav.put', href => $href, etag => $etag,
        text => $text->('2', 'Robert'));
    is("$r->{status} $r->{etag}", "conflict $now", '    somebody was faster');
    like($r->{text}, qr/:Bobby/, '    what is there');

    $r = $s->update(update => 'dav.get', hrefs => [$href, "${col}9.$ext"]);
    is($r->{objects}[0]{etag}, $now, 'dav.get');
    like($r->{objects}[0]{text}, qr/:Bobby/, '    the text');
    is_deeply($r->{missing}, ["${col}9.$ext"], '    one is missing');

    is($s->update(update => 'dav.delete', href => $href, etag => $etag)
        ->{status}, 'conflict', 'dav.delete');
    is($s->update(update => 'dav.delete', href => $href, etag => $now)
        ->{status}, 'done', '    deleted');
    is($dav->request('GET', $href)->{status}, 404, '    gone');

    1 while !@{ $s->event($name)->{removed} };
}


sub test_collection {
    is($dav->make($new, 'addressbook', 'Team'), 201, 'another book');
    is($s->event('AddressBookCreate')->{collection}, $new, '    told');
    $dav->rename($new, 'The team');
    is($s->event('AddressBookUpdate')->{name}, 'The team', '    renamed');
    $dav->delete($new);
    is($s->event('AddressBookDelete')->{collection}, $new, '    deleted');
}


sub test_missed {
    $dav->put("${book}0.vcf", $dav->card('0', 'Zero'));
    is($s->event('ContactChange')->{changed}[0]{href}, "${book}0.vcf", 'one');

    # while nobody looks, and the server is stopped

    $s->stop('KILL');
    $dav->put("${book}3.vcf", $dav->card('3', 'Carl'));
    $dav->delete("${book}0.vcf");
    $cyrus->stop();
    $cyrus->start();
    $s->start();

    my $event = $s->event('ContactChange');

    is_deeply([$event->{changed}[0]{href}, $event->{removed}],
        ["${book}3.vcf", ["${book}0.vcf"]], '    missed, and told later');
    is($s->wait_ready(), 'polling', '    again');

    is($s->restart()->wait_ready(), 'polling', '    once more');
    is_deeply([$s->published()], [], '    nothing twice');

    # tokens that the server does not know: nonsense, and of a former book

    my $token = $s->states()->{"\tdav:$book"}{token};

    for my $bad ('http://localhost/ns/sync/x', $token =~ s/\d+/1/r) {
        my $r = $s->update(update => 'dav.sync', collection => $book,
            syncToken => $bad);

        ok($r->{status} eq 'refused' && $r->{invalidToken}, "no token: $bad")
            or diag(explain($r));

        $s->stop();
        @{ $s->states()->{"\tdav:$book"} }{qw(token seen)} = ($bad, 'x');
        $s->start(poll_min => 60000, poll_max => 60000);
        is($s->wait_ready(), 'polling', '    all is looked at');
        is($s->update(update => 'count')->{requests}, 4, '    once');
        is_deeply([$s->published()], [], '    no false event');
        is($s->states()->{"\tdav:$book"}{token}, $token, '    a valid one');
    }
}


# Only what believes to be a backend of a Murder lets one act as a user.

sub test_master {
    my $m = Pimap::DavSession->new(t => $t, url => $dav->url(),
        user => 'cyrus', as => 'alice', as_header => 'Authorize-As')->start();

    like($m->wait_ready(), qr/^failed/, 'a master user is refused');
    $m->stop();

    $cyrus->stop();
    $cyrus->{imapd} = "mupdate_server: localhost\nproxyservers: cyrus";
    $cyrus->start();

    is($m->start()->wait_ready(), 'polling', '    not as of a Murder');
    is_deeply([sort keys %{ $m->states() }],
        ["\tdav", "\tdav:$book", "\tdav:$cal"], '    both are watched');
    is($dav->put("${book}4.vcf", $dav->card('4', 'Dora')), 201, '    put');
    is($m->event('ContactChange')->{changed}[0]{href}, "${book}4.vcf",
        '    told');
    $m->stop();
}
