#!/usr/bin/perl

# Updates of contacts and calendars by devices: put, delete, get and sync.
# Other clients see the changes. A device never overwrites a version that it
# has not seen and never leaves the collections of its own account.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavSession;

my @bad = ('/bob/book/1.vcf', '/alice/book/../../bob/book/1.vcf',
    '/alice/book/%2e%2e/x.vcf', '/alice/book/a%2fb.vcf', '/alice/book/',
    'http://127.0.0.1:1/alice/book/1.vcf', '//evil/alice/book/1.vcf',
    '/alice/book/1.vcf?x', "/alice/book/1.vcf\r\nX: y", '/alice/book/a\\b');

my $t = Pimap->new();
$t->plan(2 * (34 + @bad));

foreach my $kind (qw(radicale xandikos)) {
    my $dav = Pimap::Dav->new(t => $t, kind => $kind)->start();
    my $book = $kind eq 'radicale' ? '/alice/book/'
        : '/alice/contacts/addressbook/';

    is($dav->make($book, 'addressbook'), 201, 'an address book is made')
        if $kind eq 'radicale';
    pass('the server has an address book') if $kind ne 'radicale';

    my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();
    is($s->wait_ready(), 'polling', "$kind: the bridge watches the account");

    # put

    my $href = "${book}1.vcf";
    my $card = $dav->card('1', 'Ann');
    my $r = $s->update(update => 'dav.put', href => $href, text => $card);

    is($r->{status}, 'done', 'the device puts a new object');
    is($r->{etag}, $dav->etags($book)->{$href}, '    the result has its etag');
    like($dav->get($href), qr/FN:Ann/, '    other clients see it');
    is($s->event('ContactChange')->{changed}[0]{href}, $href,
        '    an event is published');

    my $etag = $r->{etag};
    $r = $s->update(update => 'dav.put', href => $href, text => $dav->card('1',
        'Bea'));
    is($r->{status}, 'conflict',
        'put as new, but the object exists: conflict');
    is($r->{etag}, $etag, '    the result has the current etag');

    $dav->put($href, $dav->card('1', 'Anna'));
    my $now = $dav->etags($book)->{$href};

    $r = $s->update(update => 'dav.put', href => $href, etag => $etag,
        text => $dav->card('1', 'Annie'));
    is($r->{status}, 'conflict',
        'put over a version the device has not seen: conflict');
    is($r->{etag}, $now, '    the result has the current etag');
    like($r->{text}, qr/FN:Anna\b/, '    and the current text');
    like($dav->get($href), qr/FN:Anna\b/, '    the object is not overwritten');

    $r = $s->update(update => 'dav.put', href => $href, etag => $now,
        text => $dav->card('1', 'Annie'));
    is($r->{status}, 'done', 'put with the current etag: done');
    like($dav->get($href), qr/FN:Annie/, '    other clients see the change');

    # delete

    $r = $s->update(update => 'dav.delete', href => $href, etag => $now);
    is($r->{status}, 'conflict', 'delete with an old etag: conflict');

    $r = $s->update(update => 'dav.delete', href => $href);
    is($r->{status}, 'invalid', 'delete without an etag: invalid');

    $r = $s->update(update => 'dav.delete', href => $href, etag => '*');
    is($r->{status}, 'invalid', 'delete with the etag "*": invalid');

    $r = $s->update(update => 'dav.delete', href => $href,
        etag => $dav->etags($book)->{$href});
    is($r->{status}, 'done', 'delete with the current etag: done');
    is($dav->request('GET', $href)->{status}, 404, '    the object is gone');

    $r = $s->update(update => 'dav.put', href => $href, etag => $now,
        text => $card);
    is("$r->{status} $r->{gone}", 'conflict 1',
        'put over a deleted object: conflict, gone');

    # get, sync

    $dav->put("$book$_.vcf", $dav->card($_, "N$_")) for 1 .. 5;

    $r = $s->update(update => 'dav.get', hrefs => [map { "$book$_.vcf" }
        1, 2, 9]);
    is_deeply([map { $_->{href} } sort { $a->{href} cmp $b->{href} }
        @{ $r->{objects} }], ["${book}1.vcf", "${book}2.vcf"],
        'dav.get returns the objects');
    like($r->{objects}[0]{text}, qr/BEGIN:VCARD/, '    with their texts');
    is_deeply($r->{missing}, ["${book}9.vcf"],
        '    and lists the missing object');

    my %seen;
    my ($token, $pages, $all);

    do {
        $r = $s->update(update => 'dav.sync', collection => $book,
            limit => 2, $token ? (syncToken => $token) : ());
        $token = $r->{syncToken};
        $all //= $r->{all};
        $seen{$_->{href}} = $_->{etag} for @{ $r->{changed} };
    } while (++$pages < 9 && $r->{more});

    is($pages, 3, 'dav.sync returns three pages');
    ok($all, '    the first page is marked as a full list');
    is_deeply(\%seen, $dav->etags($book),
        '    together they have all objects');

    $dav->delete("${book}5.vcf");
    $r = $s->update(update => 'dav.sync', collection => $book,
        syncToken => $token);
    is_deeply([@{$r}{qw(changed removed)}], [[], ["${book}5.vcf"]],
        'dav.sync with a token returns only the change');

    $r = $s->update(update => 'dav.sync', collection => $book,
        syncToken => 'http://radicale.org/ns/sync/nonsense');
    ok($r->{status} eq 'refused' && $r->{invalidToken},
        'dav.sync with an invalid token: refused, invalidToken')
        or diag(explain($r));

    # A name with a semicolon, and an object without an extension, of which
    # Xandikos has no text

    $dav->put("${book}a%3Bb.vcf", $dav->card('6', 'Ann'));
    is(join(' ', map { scalar(@{ $s->update(update => 'dav.get',
        hrefs => ["$book$_"])->{objects} }) } 'a%3Bb.vcf', 'a;b.vcf'), '1 1',
        'dav.get finds "a;b.vcf", in both spellings');

    $dav->put("${book}plain", $dav->card('7', 'Ann'));
    $r = $s->update(update => 'dav.get', hrefs => ["${book}plain"]);
    ok(!$r->{objects}[0]{tooLarge}, 'no extension: not "tooLarge"')
        or diag(explain($r));
    $dav->delete("$book$_") for 'a%3Bb.vcf', 'plain';

    # Updates that are refused before a request is sent

    my $count = $s->update(update => 'count')->{requests};
    my @status = map { $s->update(update => 'dav.put', href => $_,
        text => $card)->{status} } @bad;
    is($status[$_], 'invalid', $bad[$_] =~ s/\s/ /gr) for 0 .. $#bad;

    is($s->update(update => 'dav.put', href => $href,
        text => 'hello')->{detail},
        '"text" is not well-formed: text outside of a component',
        'text that is no vCard: invalid');
    is($s->update(update => 'dav.put', href => $href,
        text => $card . 'x' x 300000)->{detail}, '"text" is too long',
        'text over the limit: too long');
    is($s->update(update => 'dav.get', hrefs => ["${book}1.vcf",
        '/bob/book/1.vcf'])->{status}, 'invalid',
        'dav.get for another account: invalid');
    is($s->update(update => 'dav.what')->{status}, 'invalid',
        'an unknown verb: invalid');

    $s->stop();
    $dav->stop();
}
