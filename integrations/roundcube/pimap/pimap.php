<?php

/**
 * Owns Roundcube's side of push: the ticket of the user, and which folders a
 * refresh reads.  Called by Roundcube; pimap.js calls it by "plugin.pimap" and
 * by the parameter "_pimap" of a refresh.  Invariant: the page gets a ticket
 * only, never the key or the password.
 */
class pimap extends rcube_plugin
{
    public $task = 'mail';
    public $noframe = true;

    const MAX_FOLDERS = 50;     // as in pimap.js
    const TICKET_TIME = 60;     // seconds
    const CLOCKS = 30;          // seconds that the clocks of two hosts differ
    const KEY_MIN = 32;         // bytes, as pimap_ticket_key
    const WAIT = 3;             // seconds for nginx' answer

    private $rc;
    private $asked = [];

    function init()
    {
        $this->rc = rcmail::get_instance();
        $this->load_config();
        $this->register_action('plugin.pimap', [$this, 'ticket']);

        if ($this->rc->action == 'refresh') {
            $this->asked = $this->asked();
            $this->add_hook('check_recent', [$this, 'check_recent']);
            $this->add_hook('refresh', [$this, 'refresh']);
        }

        if ($this->rc->output->type == 'html' && $this->rc->action == '') {
            $this->page();
        }
    }

    private function page()
    {
        $this->rc->output->set_env('pimap', [
            'events' => $this->rc->config->get('pimap_events',
                '/pimap/events'),
            'poll' => (int) $this->rc->config->get('pimap_poll', 1800),
            'share' => $this->rc->get_user_id(),
        ]);
        $this->include_script('pimap.js');
    }

    /**
     * The folders of the events that the page has got: name => what to read.
     * "list": the messages have changed, "uid": the first new one.
     */
    private function asked()
    {
        $text = rcube_utils::get_input_string('_pimap',
            rcube_utils::INPUT_POST, true);
        $asked = json_decode($text, true, 3);

        if (!is_array($asked) || count($asked) > self::MAX_FOLDERS) {
            return [];
        }

        return array_filter($asked, 'is_array');
    }

    /**
     * Has the answer carry these folders, whatever the session remembers:
     * another tab, or a request beside this one, may have taken the change.
     */
    function check_recent($args)
    {
        if (!$this->asked) {
            return $args;
        }

        foreach ($this->asked as $folder => $what) {
            $folder = (string) $folder;    // a number is a key of another type
            unset($_SESSION['unseen_count'][$folder]);
            empty($what['list']) ? $this->flags($folder)
                : $this->changed($folder, (int) ($what['uid'] ?? 0));
        }

        // names that are numbers are keys of another type
        $folders = array_map('strval', array_keys($this->asked));
        $search = rcube_utils::get_input_string('_search',
            rcube_utils::INPUT_POST);

        $args['folders'] = $search ? array_unique(array_merge(
            (array) $args['folders'], $folders)) : $folders;

        return $args;
    }

    /**
     * Roundcube sends a list if the folder has fewer messages than before.  It
     * reports a message as new if its UID is above the highest one before.
     */
    private function changed($folder, $uid)
    {
        $known = $_SESSION['folders'][$folder] ?? [];

        $_SESSION['folders'][$folder] = ['cnt' => PHP_INT_MAX] + $known
            + ['maxuid' => $uid > 0 ? $uid - 1 : PHP_INT_MAX];
    }

    private function flags($folder)
    {
        if ($folder === $this->rc->storage->get_folder()) {
            unset($_SESSION['list_mod_seq']);
        }
    }

    /**
     * Roundcube itself sends the quota only with a list of the open folder.
     */
    function refresh($args)
    {
        $lists = array_filter($this->asked,
            function ($what) { return !empty($what['list']); });

        if ($lists && !empty($_POST['_quota'])
            && empty($lists[$this->rc->storage->get_folder()]))
        {
            $this->rc->output->command('set_quota',
                rcmail_action::quota_content());
        }

        return $args;
    }

    /**
     * Answers with a ticket: {"ticket":…,"expires":…}.
     */
    function ticket()
    {
        // requests beside this one may write into the session
        $this->rc->session->nowrite = true;

        try {
            $url = $this->rc->config->get('pimap_ticket_url');
            $answer = $url ? $this->fetched($url) : $this->signed();
            $status = 200;
        }
        catch (Exception $e) {
            rcube::raise_error(['code' => 500, 'file' => __FILE__,
                'line' => __LINE__, 'message' => 'pimap: no ticket: '
                    . $e->getMessage()], true, false);
            $answer = ['error' => 'no ticket, see the log of Roundcube'];
            $status = $e->getCode() == 401 ? 403 : 503;
        }

        http_response_code($status);
        header('Content-Type: application/json');
        echo json_encode($answer);
        exit;
    }

    /**
     * By the session's password from a location with "pimap_ticket".
     */
    private function fetched($url)
    {
        $response = $this->rc->get_http_client()->get($url, [
            'auth' => [$this->rc->get_user_name(),
                $this->rc->get_user_password()],
            'timeout' => self::WAIT, 'http_errors' => false,
            'allow_redirects' => false]);
        $answer = json_decode($response->getBody(), true);

        if ($response->getStatusCode() != 200 || empty($answer['ticket'])) {
            throw new Exception("$url answers " . $response->getStatusCode(),
                $response->getStatusCode());
        }

        return ['ticket' => $answer['ticket'],
            'expires' => $answer['expires'] ?? 0];
    }

    /**
     * A JWT by HS256, as in "Tickets of your own" of docs/login.md.
     */
    private function signed()
    {
        $file = $this->rc->config->get('pimap_ticket_key',
            '/etc/roundcube/pimap.ticket');
        $key = $file ? @file_get_contents($file) : '';

        if (strlen($key) < self::KEY_MIN) {
            throw new Exception('pimap_ticket_key ' . ($file ? "\"$file\""
                : 'is not set, and neither is pimap_ticket_url') . ($file
                ? ' cannot be read, or has less than 32 bytes' : ''));
        }

        $expires = time() + self::TICKET_TIME;
        $claims = ['aud' => 'pimap-ticket', 'sub' => $this->account(),
            'exp' => $expires, 'iat' => time() - self::CLOCKS,
            'end' => time() + (int) $this->rc->config->get('pimap_end',
                14400)];

        $text = self::base64('{"alg":"HS256","typ":"JWT"}') . '.'
            . self::base64(json_encode($claims, JSON_UNESCAPED_UNICODE
                | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR));

        return ['ticket' => $text . '.' . self::base64(hash_hmac('sha256',
            $text, $key, true)), 'expires' => $expires];
    }

    private function account()
    {
        $user = $this->rc->get_user_name();
        $at = strrpos($user, '@');

        return strtr($this->rc->config->get('pimap_account', '%u'), [
            '%u' => $user,
            '%n' => $at === false ? $user : substr($user, 0, $at),
            '%d' => $at === false ? '' : substr($user, $at + 1)]);
    }

    private static function base64($text)
    {
        return rtrim(strtr(base64_encode($text), '+/', '-_'), '=');
    }
}
