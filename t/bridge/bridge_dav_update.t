#!/usr/bin/perl

# What devices do to contacts and calendars: put, delete, get and sync, seen by
# other clients; never over what the device has not seen, never outside of the
# account's own collections.

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
$t->plan(2 * (32 + @bad));

foreach my $kind (qw(radicale xandikos)) {
    my $dav = Pimap::Dav->new(t => $t, kind => $kind)->start();
    my $book = $kind eq 'radicale' ? '/alice/book/'
        : '/alice/contacts/addressbook/';

    is($dav->make($book, 'addressbook'), 201, 'a book')
        if $kind eq 'radicale';
    pass('has a book') if $kind ne 'radicale';

    my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();
    is($s->wait_ready(), 'polling', "$kind: watched");

    # put

    my $href = "${book}1.vcf";
    my $card = $dav->card('1', 'Ann');
    my $r = $s->update(update => 'dav.put', href => $href, text => $card);

    is($r->{status}, 'done', 'put');
    is($r->{etag}, $dav->etags($book)->{$href}, 'with its etag');
    like($dav->get($href), qr/FN:Ann/, 'others see it');
    is($s->event('ContactChange')->{changed}[0]{href}, $href,
        'devices are told');

    my $etag = $r->{etag};
    $r = $s->update(update => 'dav.put', href => $href, text => $card);
    is($r->{status}, 'conflict', 'it is there already');
    is($r->{etag}, $etag, 'so');

    $dav->put($href, $dav->card('1', 'Anna'));
    my $now = $dav->etags($book)->{$href};

    $r = $s->update(update => 'dav.put', href => $href, etag => $etag,
        text => $dav->card('1', 'Annie'));
    is($r->{status}, 'conflict', 'somebody was faster');
    is($r->{etag}, $now, 'what is there');
    like($r->{text}, qr/FN:Anna\b/, 'and what it is like');
    like($dav->get($href), qr/FN:Anna\b/, 'not overwritten');

    $r = $s->update(update => 'dav.put', href => $href, etag => $now,
        text => $dav->card('1', 'Annie'));
    is($r->{status}, 'done', 'changed');
    like($dav->get($href), qr/FN:Annie/, 'others see that');

    # delete

    $r = $s->update(update => 'dav.delete', href => $href, etag => $now);
    is($r->{status}, 'conflict', 'not the one to delete');

    $r = $s->update(update => 'dav.delete', href => $href);
    is($r->{status}, 'invalid', 'without a condition');

    $r = $s->update(update => 'dav.delete', href => $href, etag => '*');
    is($r->{status}, 'invalid', 'nor with that one');

    $r = $s->update(update => 'dav.delete', href => $href,
        etag => $dav->etags($book)->{$href});
    is($r->{status}, 'done', 'deleted');
    is($dav->request('GET', $href)->{status}, 404, 'it is gone');

    $r = $s->update(update => 'dav.put', href => $href, etag => $now,
        text => $card);
    is("$r->{status} $r->{gone}", 'conflict 1', 'what is gone stays so');

    # get, sync

    $dav->put("$book$_.vcf", $dav->card($_, "N$_")) for 1 .. 5;

    $r = $s->update(update => 'dav.get', hrefs => [map { "$book$_.vcf" }
        1, 2, 9]);
    is_deeply([map { $_->{href} } sort { $a->{href} cmp $b->{href} }
        @{ $r->{objects} }], ["${book}1.vcf", "${book}2.vcf"], 'get');
    like($r->{objects}[0]{text}, qr/BEGIN:VCARD/, 'texts');
    is_deeply($r->{missing}, ["${book}9.vcf"], 'one is missing');

    my %seen;
    my ($token, $pages, $all);

    do {
        $r = $s->update(update => 'dav.sync', collection => $book,
            limit => 2, $token ? (syncToken => $token) : ());
        $token = $r->{syncToken};
        $all //= $r->{all};
        $seen{$_->{href}} = $_->{etag} for @{ $r->{changed} };
    } while (++$pages < 9 && $r->{more});

    is($pages, 3, 'pages');
    ok($all, 'of all');
    is_deeply(\%seen, $dav->etags($book), 'all of them');

    $dav->delete("${book}5.vcf");
    $r = $s->update(update => 'dav.sync', collection => $book,
        syncToken => $token);
    is_deeply([@{$r}{qw(changed removed)}], [[], ["${book}5.vcf"]],
        'since then');

    $r = $s->update(update => 'dav.sync', collection => $book,
        syncToken => 'http://radicale.org/ns/sync/nonsense');
    ok($r->{status} eq 'refused' && $r->{invalidToken}, 'no token')
        or diag(explain($r));

    # what is refused before it is sent

    my $count = $s->update(update => 'count')->{requests};
    my @status = map { $s->update(update => 'dav.put', href => $_,
        text => $card)->{status} } @bad;
    is($status[$_], 'invalid', $bad[$_] =~ s/\s/ /gr) for 0 .. $#bad;

    is($s->update(update => 'dav.put', href => $href,
        text => 'hello')->{detail},
        '"text" is not well-formed: text outside of a component', 'rubbish');
    is($s->update(update => 'dav.put', href => $href,
        text => $card . 'x' x 300000)->{detail}, '"text" is too long',
        'too long');
    is($s->update(update => 'dav.get', hrefs => ["${book}1.vcf",
        '/bob/book/1.vcf'])->{status}, 'invalid', 'get of others');
    is($s->update(update => 'dav.what')->{status}, 'invalid', 'no verb');

    $s->stop();
    $dav->stop();
}
